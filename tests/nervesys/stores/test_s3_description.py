"""What is left of botocore's description of S3 is what the store uses; that it suffices is shown by test_s3.py."""

import json

from botocore.loaders import Loader

from nervesys.stores.s3_description import OPERATIONS, RESULTS, SmallLoader, cut


def test_only_the_operations_that_are_used_and_their_shapes_are_left() -> None:
    whole = Loader().load_service_model("s3", "service-2")
    small = SmallLoader().load_service_model("s3", "service-2")
    assert sorted(small["operations"]) == sorted(OPERATIONS)
    assert len(small["shapes"]) < len(whole["shapes"]) / 2
    assert '"documentation": "' not in json.dumps([small["operations"], small["shapes"]])
    assert small["clientContextParams"] == whole["clientContextParams"], "botocore reads the documentation of these"
    assert small["metadata"] == whole["metadata"]
    for operation, members in RESULTS.items():
        output = small["operations"][operation]["output"]["shape"]
        assert small["shapes"][output]["members"].keys() == members <= whole["shapes"][output]["members"].keys()
    output = small["operations"]["ListObjectsV2"]["output"]["shape"]
    assert small["shapes"][output]["members"].keys() == whole["shapes"][output]["members"].keys()


def test_a_member_with_the_name_of_a_documentation_is_kept() -> None:
    shapes: dict[str, object] = {
        "A": {"type": "structure", "members": {"documentation": {"shape": "B"}}},
        "B": {"type": "string"},
    }
    shapes["C"] = {"type": "structure", "members": {}}
    operation = {"input": {"shape": "A"}, "output": {"shape": "C"}, "documentation": "Text."}
    made = cut({"metadata": {}, "operations": dict.fromkeys(OPERATIONS, operation), "shapes": shapes})
    assert made["shapes"] == shapes
    assert made["operations"]["GetObject"] == {"input": {"shape": "A"}, "output": {"shape": "C"}}
