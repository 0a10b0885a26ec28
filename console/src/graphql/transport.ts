/**
 * Sends operations to the platform: queries and mutations over HTTP, subscriptions over one WebSocket.
 *
 * There is no cache here. Rows are kept by `live/`, which knows their versions.
 */
import { print, type DocumentNode } from "@0no-co/graphql.web";
import { createClient, type Client } from "graphql-ws";

import { session } from "../session/session";
import type { TadaDocumentNode } from "./documents";
import { failureOf, RequestFailure, type GraphQLFailure } from "./errors";

const PATH = "/graphql";

/** The longest wait for an answer, in milliseconds. */
const TIMEOUT = 30_000;

interface Answer<Result> {
  data?: Result | null;
  errors?: GraphQLFailure[];
}

const texts = new WeakMap<object, string>();

function textOf(document: DocumentNode): string {
  let text = texts.get(document);
  if (text === undefined) {
    text = print(document);
    texts.set(document, text);
  }
  return text;
}

/**
 * Runs a query or a mutation.
 *
 * @throws {RequestFailure} when there is no answer, or the answer has errors. A token that the platform does not
 * accept ends the session.
 */
export async function send<Result, Variables>(
  document: TadaDocumentNode<Result, Variables>,
  variables: Variables,
): Promise<Result> {
  let response: Response;
  try {
    response = await fetch(PATH, {
      method: "POST",
      headers: {
        accept: "application/graphql-response+json",
        authorization: `Bearer ${session.token ?? ""}`,
        "content-type": "application/json",
      },
      body: JSON.stringify({ query: textOf(document as DocumentNode), variables }),
      signal: AbortSignal.timeout(TIMEOUT),
    });
  } catch (error) {
    throw new RequestFailure("offline", String(error));
  }
  let answer: Answer<Result>;
  try {
    answer = (await response.json()) as Answer<Result>;
  } catch {
    throw new RequestFailure("offline", `the platform answered with status ${response.status}`);
  }
  if (answer.errors?.length || !answer.data) {
    const failure = failureOf(answer.errors ?? []);
    if (failure.kind === "signedOut") session.signOut();
    throw failure;
  }
  return answer.data;
}

let client: Client | null = null;
let clientToken: string | null = null;
let isOpen = false;

function socket(): Client {
  if (client && clientToken === session.token) return client;
  void client?.dispose();
  clientToken = session.token;
  client = createClient({
    url: new URL(PATH, window.location.href.replace(/^http/, "ws")).toString(),
    connectionParams: { authorization: `Bearer ${session.token ?? ""}` },
    // A watch resumes by itself, after the last cursor that it has seen.
    retryAttempts: 0,
    // A laptop that slept has a socket that looks open and is not.
    keepAlive: 10_000,
    on: {
      connected: () => void (isOpen = true),
      closed: () => void (isOpen = false),
    },
  });
  return client;
}

/** Follows a subscription until it ends, fails, or `stop` is aborted. Calls `onOpen` when the platform listens. */
export async function* follow<Result, Variables>(
  document: TadaDocumentNode<Result, Variables>,
  variables: Variables,
  stop: AbortSignal,
  onOpen: () => void,
): AsyncGenerator<Result> {
  const connection = socket();
  const unlisten = connection.on("connected", onOpen);
  if (isOpen) onOpen();
  const messages = connection.iterate<Result>({
    query: textOf(document as DocumentNode),
    variables: variables as Record<string, unknown>,
  });
  const end = () => void messages.return?.();
  stop.addEventListener("abort", end);
  try {
    for await (const message of messages) {
      if (message.errors?.length || !message.data) {
        throw failureOf((message.errors ?? []) as unknown as GraphQLFailure[]);
      }
      yield message.data;
    }
  } finally {
    unlisten();
    stop.removeEventListener("abort", end);
  }
}
