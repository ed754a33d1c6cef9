"""Where the content of an artifact lies below the root of all contents.

    {trace}/{step}_v{version}_{end of id}.{extension}   of a trace; the type stands in for the step where there is none
    {date}/{id}                                         without a trace

An encrypted content has `.age` at the end. People can browse it by trace. The end of the id keeps two artifacts of the
same step apart; a name without it is accepted too, as other programs write it.
"""

import mimetypes
import re

from nervesys.artifacts.manifest import Manifest
from nervesys.contract.paths import SEALED
from nervesys.contract.times import utc

END = 6
"""Characters of the id in a file's name."""
_EXTENSION = r"(\.[a-z0-9]{1,10})?"


def content_uri(root: str, manifest: Manifest, *, encrypted: bool = False) -> str:
    """The URI of a new artifact's content.

    Args:
        root: of all contents, without a slash at its end.
        manifest: of the artifact; its own URI is ignored.
        encrypted: whether the content is.
    """
    end = SEALED if encrypted else ""
    if manifest.trace_id is None:
        return f"{_by_day(root, manifest)}{end}"
    return f"{_stem(root, manifest)}_{manifest.id[-END:]}{_extension(manifest.content_type)}{end}"


def is_content_uri(root: str, manifest: Manifest) -> bool:
    """Whether a manifest's URI is one that its content may have: below the root, and by its own trace or day."""
    uri = manifest.uri.removesuffix(SEALED)
    if uri == _by_day(root, manifest):
        return True
    if manifest.trace_id is None:
        return False
    own = re.escape(_stem(root, manifest))
    return re.fullmatch(f"{own}(_{re.escape(manifest.id[-END:])})?{_EXTENSION}", uri) is not None


def _extension(content_type: str) -> str:
    """The usual extension; empty where `is_content_uri` would not accept it, such as `.c++` or `.webmanifest`."""
    guessed = mimetypes.guess_extension(content_type.partition(";")[0]) or ""
    return guessed if re.fullmatch(_EXTENSION, guessed) else ""


def _by_day(root: str, manifest: Manifest) -> str:
    return f"{root}/{utc(manifest.created_at).date()}/{manifest.id}"


def _stem(root: str, manifest: Manifest) -> str:
    return f"{root}/{manifest.trace_id}/{manifest.step_id or manifest.artifact_type}_v{manifest.version}"
