"""What runs on one machine, and where it is looked at."""

from pathlib import Path

from nervesys.settings import load
from nervesys.stack.services import demo_services


def test_pages_of_ours_are_https_where_a_certificate_is_set(tmp_path: Path) -> None:
    environ = {"NERVESYS_WEB_TLS_CERT": "/tls.crt", "NERVESYS_WEB_TLS_KEY": "/tls.key"}
    for settings, scheme in ((load(), "http"), (load(environ=environ), "https")):
        made = demo_services(tmp_path, settings.settings, ["grok"], Path)
        urls = {service.name: service.url or "" for service in made}
        assert urls["receiver"] == f"{scheme}://127.0.0.1:17010/"
        assert urls["store-exporter"].startswith(f"{scheme}://")
        assert (urls["prometheus"], urls["grok"]) == ("http://127.0.0.1:17090/", "")
