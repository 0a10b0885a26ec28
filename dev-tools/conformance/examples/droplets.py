# Provisions a droplet with `gql`, sees it at once, and follows it across lost connections.
# Run it: CLUSTERGENIE_URL=http://127.0.0.1:8085 CLUSTERGENIE_TOKEN=... python droplets.py NAME
import asyncio
import os
import sys
import uuid

from gql import Client, gql
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.exceptions import TransportConnectionFailed
from gql.transport.websockets import WebsocketsTransport

URL = os.environ["CLUSTERGENIE_URL"] + "/graphql"


def authorization():
    """A program that runs longer than its token returns a new one here."""
    return {"authorization": f"Bearer {os.environ['CLUSTERGENIE_TOKEN']}"}


PROVISION = gql("""
    mutation ($input: ProvisionDropletInput!, $key: String!) {
      provisionDroplet(input: $input) @idempotent(key: $key) {
        droplet { id }
        consistencyToken
        userErrors { field message code }
      }
    }""")
DROPLET = gql("""
    query ($id: ID!, $token: String!) {
      droplet(id: $id, consistentWith: $token) { name status }
    }""")
CHANGES = gql("""
    subscription ($id: ID!, $after: String) {
      dropletChanged(id: $id, after: $after) { cursor droplet { name status addresses { ip } } }
    }""")


async def changes(droplet, after):
    """Yields every change of the droplet after a cursor or a token, each once."""
    while True:
        transport = WebsocketsTransport(
            url=URL.replace("http", "ws", 1),
            init_payload=authorization(),
            # Otherwise `gql` also offers an older protocol, and ignores which one the server chooses.
            subprotocols=[WebsocketsTransport.GRAPHQLWS_SUBPROTOCOL],
        )
        try:
            async with Client(transport=transport) as session:
                CHANGES.variable_values = {"id": droplet, "after": after}
                async for result in session.subscribe(CHANGES):
                    after = result["dropletChanged"]["cursor"]
                    yield result["dropletChanged"]["droplet"]
        except (TransportConnectionFailed, OSError) as error:
            closed = error.__cause__
            print("connection closed:", closed or error, file=sys.stderr)
            # A token that expired meanwhile is replaced; one that is refused (4403 too) stays refused.
            # Everything else passes by waiting.
            frame = getattr(closed, "rcvd", None)
            if frame and frame.code == 4403 and not frame.reason.startswith("the token expired"):
                raise
            await asyncio.sleep(1)


async def main(name):
    async with Client(transport=AIOHTTPTransport(url=URL, headers=authorization())) as session:
        wanted = {"name": name, "size": "s-1vcpu-1gb", "region": "nyc3", "image": "ubuntu-24-04-x64"}
        PROVISION.variable_values = {"input": wanted, "key": str(uuid.uuid4())}
        provisioned = (await session.execute(PROVISION))["provisionDroplet"]
        if provisioned["userErrors"]:
            sys.exit(str(provisioned["userErrors"]))  # A rule rejects it.
        droplet, token = provisioned["droplet"]["id"], provisioned["consistencyToken"]

        # With the mutation's token, the query shows the write.
        DROPLET.variable_values = {"id": droplet, "token": token}
        print("listed", (await session.execute(DROPLET))["droplet"]["name"], flush=True)

    async for change in changes(droplet, after=token):
        addresses = " ".join(address["ip"] for address in change["addresses"])
        print(change["name"], change["status"], addresses, flush=True)


asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "worker-1"))
