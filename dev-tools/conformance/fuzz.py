"""What `schemathesis` sends and holds every answer to: no fault of ours, and no error without a known code.

Loaded by `st run` as its hooks. The codes are those of api/src/graph/error.rs, handed over by
dev-tools/conformance.sh. Most documents get ids and slugs that exist, so that they reach what is behind
the checks of their input; the others stay as they were made up. The last line says what was answered.
"""

import atexit
import os
import zlib
from collections import Counter
from dataclasses import replace

import requests
import schemathesis
from graphql import IntValueNode, StringValueNode, Visitor, print_ast, visit
from hypothesis import strategies as st
from schemathesis.graphql import nodes

URL = os.environ["CLUSTERGENIE_URL"] + "/graphql"
HEADERS = {"authorization": f"Bearer {os.environ['CLUSTERGENIE_TOKEN']}"}
CODES = set(os.environ["CONFORMANCE_CODES"].split())
SEEN = Counter()

schemathesis.graphql.scalar("BigInt", st.integers(0, 2**40).map(str).map(nodes.String))
schemathesis.graphql.scalar(
    "DateTime", st.datetimes().map(lambda time: nodes.String(time.isoformat() + "Z"))
)
schemathesis.graphql.scalar("JSON", st.sampled_from(['"text"', "7"]).map(nodes.String))


def ids_that_exist():
    document = "{ droplets(first: 50) { nodes { id } } jobs(first: 50) { nodes { id } } }"
    data = requests.post(URL, json={"query": document}, headers=HEADERS, timeout=10).json()["data"]
    return [node["id"] for connection in data.values() for node in connection["nodes"]]


IDS = ids_that_exist()
WORDS = {
    "id": IDS,
    "droplet": IDS,
    "resource": IDS,
    "size": ["s-1vcpu-1gb", "s-2vcpu-4gb", "gd-2vcpu-8gb"],
    "region": ["nyc3", "fra1"],
    "image": ["ubuntu-24-04-x64"],
    "kind": ["batch"],
    "ip": ["192.0.2.1", "2001:db8::1"],
}


class Fill(Visitor):
    """Puts existing words into a document, and pages of a size that may be asked for."""

    def __init__(self, choice):
        super().__init__()
        self.choice = choice

    def enter_argument(self, node, *_):
        return self.fill(node)

    def enter_object_field(self, node, *_):
        return self.fill(node)

    def leave_field(self, node, *_):
        paged = any(argument.name.value == "first" for argument in node.arguments)
        unwanted = {"last", "before", "after", "consistentWith"} if paged else {"consistentWith"}
        kept = tuple(one for one in node.arguments if one.name.value not in unwanted)
        return replace(node, arguments=kept)

    def fill(self, node):
        name = node.name.value
        if name in ("first", "last"):
            return replace(node, value=IntValueNode(value=str(self.choice % 100 + 1)))
        if name in WORDS and isinstance(node.value, StringValueNode):
            word = WORDS[name][self.choice % len(WORDS[name])]
            return replace(node, value=StringValueNode(value=word))
        return None


@schemathesis.hook
def map_body(_context, body):
    choice = zlib.crc32(print_ast(body).encode())
    return body if choice % 4 == 0 else visit(body, Fill(choice // 4))


@schemathesis.check
def every_error_has_a_known_code(_context, response, _case):
    assert response.status_code < 500, f"status {response.status_code}"
    answer = response.json()
    errors = answer.get("errors", [])
    codes = [error.get("extensions", {}).get("code") for error in errors]
    SEEN.update(["data" if answer.get("data") else "no data", *codes])
    for code in codes:
        assert code in CODES, f"an error with the code {code}: {errors}"
        # A part that does not answer here has choked on what was sent.
        assert code not in ("INTERNAL", "UNAVAILABLE"), f"a fault of the platform: {errors}"


@atexit.register
def say_what_was_seen():
    print("answers:", ", ".join(f"{count} {what}" for what, count in SEEN.most_common()))
