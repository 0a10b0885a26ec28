"""The Python client `gql` against HTTP and WebSockets."""

import asyncio
import os
import sys
import time

from gql import Client, gql
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.exceptions import TransportConnectionFailed, TransportQueryError
from gql.transport.websockets import WebsocketsTransport

URL = os.environ["CLUSTERGENIE_URL"] + "/graphql"
HEADERS = {"authorization": f"Bearer {os.environ['CLUSTERGENIE_TOKEN']}"}

PROVISION = gql("""
    mutation ($input: ProvisionDropletInput!) {
      provisionDroplet(input: $input) { droplet { id } consistencyToken userErrors { code field } }
    }""")
RENAME = gql("""
    mutation ($input: RenameDropletInput!) { renameDroplet(input: $input) { userErrors { code } } }
    """)
FOLLOW = gql("""
    subscription ($id: ID, $after: String) {
      dropletChanged(id: $id, after: $after) { cursor event { type version } droplet { resourceId status } }
    }""")

CHECKS = []


def check(body):
    CHECKS.append(body)
    return body


def over_http(**headers):
    # The schema is fetched first, so that the client checks documents against it.
    transport = AIOHTTPTransport(url=URL, headers=HEADERS | headers)
    return Client(transport=transport, fetch_schema_from_transport=True)


def over_websocket(init_payload=HEADERS):
    transport = WebsocketsTransport(
        url=URL.replace("http", "ws", 1),
        init_payload=init_payload,
        # Else `gql` offers an older protocol too, and looks for the answer in a header whose name it
        # takes by the letter, where hyper writes it in lower case.
        subprotocols=[WebsocketsTransport.GRAPHQLWS_SUBPROTOCOL],
    )
    return Client(transport=transport)


def new_droplet(**other):
    name = f"gql-{os.getpid()}-{time.monotonic_ns()}"
    plain = {"name": name, "size": "s-1vcpu-1gb", "region": "nyc3", "image": "ubuntu-24-04-x64"}
    return plain | other


async def run(session, document, **variables):
    if variables:
        document.variable_values = variables
    return await session.execute(document)


async def provision(session):
    payload = (await run(session, PROVISION, input=new_droplet()))["provisionDroplet"]
    assert payload["userErrors"] == [], payload
    return payload


async def position(session):
    events = (await session.execute(gql("{ events(last: 1) { nodes { cursor } } }")))["events"]
    return events["nodes"][0]["cursor"]


@check
async def a_query_over_http_checked_against_the_schema():
    async with over_http() as session:
        assert (await session.execute(gql("{ platform { version } }")))["platform"]["version"]


@check
async def a_mutation_over_http_and_a_query_that_sees_it():
    async with over_http() as session:
        payload = await provision(session)
    async with over_http(**{"x-consistency-token": payload["consistencyToken"]}) as session:
        document = gql("query ($id: ID!) { droplet(id: $id) { id } }")
        seen = await run(session, document, id=payload["droplet"]["id"])
        assert seen["droplet"] == payload["droplet"]


@check
async def a_refused_mutation_has_user_errors():
    async with over_http() as session:
        answer = await run(session, PROVISION, input=new_droplet(image="none"))
        errors = answer["provisionDroplet"]["userErrors"]
        assert errors == [{"code": "UNKNOWN_IMAGE", "field": ["input", "image"]}], errors


@check
async def errors_have_codes():
    async with over_http() as session:
        try:
            await session.execute(gql('{ job(id: "none") { id } }'))
        except TransportQueryError as refused:
            assert refused.errors[0]["extensions"]["code"] == "BAD_USER_INPUT", refused.errors
        else:
            raise AssertionError("it was not refused")


@check
async def a_query_and_a_mutation_over_a_websocket():
    async with over_websocket() as session:
        assert (await session.execute(gql("{ platform { version } }")))["platform"]["version"]
        assert (await provision(session))["droplet"]["id"]


@check
async def a_wrong_token_is_refused():
    try:
        async with over_websocket({"authorization": "Bearer wrong"}):
            raise AssertionError("it was let in")
    except TransportConnectionFailed as refused:
        assert refused.__cause__.rcvd.code == 4403, repr(refused.__cause__)


@check
async def a_subscription_from_the_request_to_the_machine():
    async with over_websocket() as session:
        after = await position(session)
        mine = (await provision(session))["droplet"]["id"]
        FOLLOW.variable_values = {"id": mine, "after": after}
        seen = []
        async for result in session.subscribe(FOLLOW):
            change = result["dropletChanged"]
            seen.append((change["event"]["type"], change["droplet"]["status"]))
            if len(seen) == 2:
                break
        assert seen == [("DROPLET_REQUESTED", "REQUESTED"), ("DROPLET_ACTIVATED", "ACTIVE")], seen


@check
async def after_a_lost_connection_a_subscription_resumes_without_loss_or_repetition():
    async with over_http() as session:
        after = await position(session)
        mine = (await provision(session))["droplet"]["id"]
        versions, connections = [], 0
        while len(versions) < 4:
            connections += 1
            client = over_websocket()
            try:
                async with client as following:
                    FOLLOW.variable_values = {"id": mine, "after": after}
                    async for result in following.subscribe(FOLLOW):
                        change = result["dropletChanged"]
                        after = change["cursor"]
                        versions.append(int(change["event"]["version"]))
                        if versions == [1]:
                            # What happens while nobody is connected must come too.
                            client.transport.adapter.websocket.transport.abort()
                            for _ in range(2):
                                await run(session, RENAME, input={"id": mine, "name": new_droplet()["name"]})
                        if len(versions) == 4:
                            break
            except TransportConnectionFailed:
                pass
        assert versions == [1, 2, 3, 4], versions
        assert connections == 2, connections


async def main():
    failed = False
    for body in CHECKS:
        name = body.__name__.replace("_", " ")
        try:
            await asyncio.wait_for(body(), timeout=15)
            print(f"ok - {name}")
        except Exception as error:
            failed = True
            print(f"not ok - {name}: {error!r}")
    sys.exit(failed)


asyncio.run(main())
