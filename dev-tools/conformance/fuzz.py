"""What `schemathesis` holds every answer to: no fault of ours, and no error without a known code.

Loaded by `st run` as its hooks. The codes are those of api/src/error.rs, handed over by
dev-tools/conformance.sh, and the last line says how many answers were seen.
"""

import atexit
import os
from collections import Counter

import schemathesis
from hypothesis import strategies as st
from schemathesis.graphql import nodes

CODES = set(os.environ["CONFORMANCE_CODES"].split())
SEEN = Counter()

schemathesis.graphql.scalar("BigInt", st.integers(0, 2**40).map(str).map(nodes.String))
schemathesis.graphql.scalar(
    "DateTime", st.datetimes().map(lambda time: nodes.String(time.isoformat() + "Z"))
)
schemathesis.graphql.scalar("JSON", st.sampled_from(['"text"', "7"]).map(nodes.String))


@schemathesis.check
def every_error_has_a_known_code(_context, response, _case):
    assert response.status_code < 500, f"status {response.status_code}"
    answer = response.json()
    errors = answer.get("errors", [])
    codes = [error.get("extensions", {}).get("code") for error in errors]
    SEEN.update(["data" if answer.get("data") else "no data", *codes])
    for code in codes:
        assert code in CODES, f"an error with the code {code}: {errors}"
        assert code != "INTERNAL", f"a fault of the platform: {errors}"


@atexit.register
def say_what_was_seen():
    print("answers:", ", ".join(f"{count} {what}" for what, count in SEEN.most_common()))
