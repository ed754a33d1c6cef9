"""Print the HTTP status of each call to the store that has no valid key; the first argument is a known access key."""

import sys
from typing import Any

import botocore.session
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

OBJECT = {"Bucket": "nervesys", "Key": "db/agents/grok_state.json"}


def client(config: dict[str, Any], **keys: Any) -> Any:
    """A client that does not try again."""
    config = {**config, "s3": {"addressing_style": "path"}, "retries": {"max_attempts": 0}}
    return botocore.session.Session().create_client(
        "s3", "us-east-1", endpoint_url="http://s3:8333", config=Config(**config), **keys
    )


for s3 in (
    client({"signature_version": UNSIGNED}),
    client({}, aws_access_key_id="minioadmin", aws_secret_access_key="minioadmin"),
    client({}, aws_access_key_id=sys.argv[1], aws_secret_access_key="wrong"),
):
    for call, arguments in (
        (s3.list_buckets, {}),
        (s3.list_objects_v2, {"Bucket": "nervesys"}),
        (s3.get_object, OBJECT),
        (s3.put_object, {**OBJECT, "Body": b""}),
        (s3.delete_object, OBJECT),
    ):
        try:
            call(**arguments)
        except ClientError as err:
            print(err.response["ResponseMetadata"]["HTTPStatusCode"])
        else:
            print("allowed")
