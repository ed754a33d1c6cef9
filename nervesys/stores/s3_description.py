"""botocore's description of S3, cut to what the store needs: whole, it takes 14 MB of memory in each process."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from botocore.loaders import JSONFileLoader, Loader

OPERATIONS = ("DeleteObject", "GetObject", "ListObjectsV2", "PutObject")
"""Those that the store calls."""
RESULTS: Mapping[str, frozenset[str]] = {
    "DeleteObject": frozenset(),
    "GetObject": frozenset({"Body", "LastModified"}),
    "PutObject": frozenset({"ETag"}),
}
"""What it reads of the responses: botocore looks for a header for each of 46 members, 0.1 ms for one object."""
ENDPOINTS: Mapping[str, Any] = {
    "version": 3,
    "partitions": [
        {
            "partition": "aws",
            "dnsSuffix": "amazonaws.com",
            "regionRegex": ".",
            "regions": {},
            "defaults": {"hostname": "{service}.{region}.{dnsSuffix}", "signatureVersions": ["v4"]},
            "services": {
                "s3": {
                    "defaults": {"signatureVersions": ["s3v4"]},
                    "partitionEndpoint": "aws-global",
                    "endpoints": {"aws-global": {"credentialScope": {"region": "us-east-1"}}},
                }
            },
        }
    ],
}
"""In the format of botocore's endpoints.json; accepts any region, or none."""
RULES: Mapping[str, Any] = {
    "version": "1.0",
    "parameters": {
        "Bucket": {"required": True, "type": "string"},
        "Region": {"builtIn": "AWS::Region", "required": True, "type": "string"},
        "Endpoint": {"builtIn": "SDK::Endpoint", "required": True, "type": "string"},
    },
    "rules": [
        {
            "type": "endpoint",
            "conditions": [
                {"fn": "parseURL", "argv": [{"ref": "Endpoint"}], "assign": "url"},
                {"fn": "uriEncode", "argv": [{"ref": "Bucket"}], "assign": "bucket"},
            ],
            "endpoint": {
                "url": "{url#scheme}://{url#authority}{url#normalizedPath}{bucket}",
                "properties": {
                    "authSchemes": [
                        {
                            "disableDoubleEncoding": True,
                            "name": "sigv4",
                            "signingName": "s3",
                            "signingRegion": "{Region}",
                        }
                    ]
                },
                "headers": {},
            },
        }
    ],
}
"""In the format of botocore's endpoint-rule-set-1.json; its rule for a given endpoint with the bucket in the path."""


class SmallFileLoader(JSONFileLoader):
    """Reads the files of descriptions; what it returns is kept in memory by botocore."""

    def load_file(self, file_path: str) -> Any:
        """The content of a file, named without suffix; None if it does not exist."""
        match Path(file_path).name:
            case "endpoints":
                return ENDPOINTS
            case "endpoint-rule-set-1":
                return RULES
            case "service-2":
                model = super().load_file(file_path)
                return cut(model) if model else None
        return super().load_file(file_path)


class SmallLoader(Loader):
    """botocore's loader of descriptions, for S3 alone."""

    FILE_LOADER_CLASS = SmallFileLoader


def cut(model: Mapping[str, Any]) -> dict[str, Any]:
    """A service's description with the used operations, the shapes that these refer to, and no documentation."""
    operations = {name: model["operations"][name] for name in OPERATIONS}
    whole = {**model["shapes"], **dict(_results(model))}
    shapes: dict[str, Any] = {}
    found = list(_references(operations))
    while found:
        name = found.pop()
        if name not in shapes:
            shapes[name] = whole[name]
            found += _references(shapes[name])
    return {**model, "operations": _undocumented(operations), "shapes": _undocumented(shapes)}


def _results(model: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The shapes of responses, with the members that the store reads."""
    for operation, wanted in RESULTS.items():
        name = model["operations"][operation]["output"]["shape"]
        shape = model["shapes"][name]
        members = {member: value for member, value in shape["members"].items() if member in wanted}
        yield name, {**shape, "members": members}


def _references(part: Any) -> Iterator[str]:
    """The names of shapes that a part refers to."""
    if isinstance(part, Mapping):
        if isinstance(part.get("shape"), str):
            yield part["shape"]
        for value in part.values():
            yield from _references(value)
    elif isinstance(part, list):
        for value in part:
            yield from _references(value)


def _undocumented(part: Any) -> Any:
    """A copy without documentation."""
    if isinstance(part, Mapping):
        return {
            key: _undocumented(value)
            for key, value in part.items()
            if key != "documentation" or not isinstance(value, str)
        }
    return [*map(_undocumented, part)] if isinstance(part, list) else part
