// GraphiQL over our two transports: HTTP for queries and mutations, a WebSocket for subscriptions.
// The token stands in the headers editor and goes along with both. It can also be given in the page's
// address, as `/#token=...`: what is after `#` is never sent to the server.
'use strict';

const HTTP_URL = new URL('graphql', document.baseURI);
const WEBSOCKET_URL = new URL(HTTP_URL);
WEBSOCKET_URL.protocol = HTTP_URL.protocol === 'https:' ? 'wss:' : 'ws:';

// What the page keeps, tokens among it, is gone when its tab is closed.
const STORAGE = window.sessionStorage;

const GIVEN_TOKEN = new URLSearchParams(window.location.hash.slice(1)).get('token');
if (GIVEN_TOKEN) {
  STORAGE.clear();
  window.history.replaceState(null, '', window.location.pathname + window.location.search);
}

const PLACEHOLDER = '<what clustergenie token prints>';
const HEADERS = JSON.stringify(
  { authorization: `Bearer ${GIVEN_TOKEN ?? PLACEHOLDER}` },
  null,
  2,
);

// One tab each.
const EXAMPLES = [
  {
    query: `# Asks for a droplet. A token goes into "Headers" below.
mutation Provision {
  provisionDroplet(
    input: {
      name: "web-1"
      size: "s-1vcpu-1gb"
      region: "nyc3"
      image: "ubuntu-24-04-x64"
      tags: ["env:demo"]
    }
  ) {
    droplet {
      id
      name
      status
    }
    consistencyToken
    userErrors {
      field
      message
      code
    }
  }
}
`,
  },
  {
    query: `# Tells what happens to droplets, as it happens: run it, then ask for a droplet.
subscription Watch {
  dropletChanged {
    cursor
    event {
      type
    }
    droplet {
      resourceId
      name
      status
    }
  }
}
`,
  },
  {
    query: `# The newest droplets.
query List {
  droplets(first: 20) {
    totalCount
    nodes {
      id
      name
      status
      sizeSlug
      regionSlug
      tags
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
`,
  },
].map((example) => ({ ...example, headers: HEADERS }));

// The type of the operation that is run, by its name if the document has several.
function operationType(documentAST, operationName) {
  const operations = (documentAST?.definitions ?? []).filter(
    (definition) => definition.kind === 'OperationDefinition',
  );
  const named = operations.find((operation) => operation.name?.value === operationName);
  return (named ?? operations[0])?.operation;
}

function authorizationOf(headers) {
  const name = Object.keys(headers).find((key) => key.toLowerCase() === 'authorization');
  return name && headers[name];
}

// Without the placeholder, which is no token: the server then says that a token is missing.
function sentOf(headers) {
  const isPlaceholder = ([, value]) => String(value).includes(PLACEHOLDER);
  return Object.fromEntries(Object.entries(headers).filter((header) => !isPlaceholder(header)));
}

// The WebSocket is kept until it is used with another token.
let kept = { authorization: undefined, client: undefined };

function clientFor(authorization) {
  if (!kept.client || kept.authorization !== authorization) {
    kept.client?.dispose();
    const client = graphqlWs.createClient({
      url: WEBSOCKET_URL.href,
      connectionParams: { authorization },
    });
    kept = { authorization, client };
  }
  return kept.client;
}

// A close frame's reason is for people; everything else that breaks a connection has none.
async function* subscribe(params, headers) {
  try {
    yield* clientFor(authorizationOf(headers)).iterate(params);
  } catch (broken) {
    const message = broken?.reason || broken?.message || 'the connection to the server broke';
    yield { errors: Array.isArray(broken) ? broken : [{ message }] };
  }
}

async function fetchOnce(params, headers) {
  const response = await fetch(HTTP_URL, {
    method: 'POST',
    headers: {
      accept: 'application/graphql-response+json, application/json;q=0.9',
      'content-type': 'application/json',
      ...headers,
    },
    body: JSON.stringify(params),
  });
  return response.json();
}

// The schema is asked for before the headers editor is there: then with the headers used last.
function headersOf(options) {
  if (!options.headers) {
    return JSON.parse(STORAGE.getItem('last-headers') ?? HEADERS);
  }
  STORAGE.setItem('last-headers', JSON.stringify(options.headers));
  return options.headers;
}

function fetcher(params, options = {}) {
  const headers = sentOf(headersOf(options));
  return operationType(options.documentAST, params.operationName) === 'subscription'
    ? subscribe(params, headers)
    : fetchOnce(params, headers);
}

ReactDOM.createRoot(document.getElementById('page')).render(
  React.createElement(GraphiQL, {
    fetcher,
    defaultTabs: EXAMPLES,
    defaultHeaders: HEADERS,
    defaultEditorToolsVisibility: 'headers',
    isHeadersEditorEnabled: true,
    shouldPersistHeaders: true,
    showPersistHeadersSettings: false,
    storage: STORAGE,
  }),
);
