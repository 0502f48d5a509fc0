"""The second style of declared CMS: syncd's own FakeCMS, a JSON interface with a unique key and If-Match."""

from __future__ import annotations

from typing import Any

from tests.adapters.http.kit import options_of

TEXT = """
api_url = "http://county.example"
unique = "server"
conditional = "server"
account = "syncd"
address = "/p/{{ id }}"
message = "error"
auth = { kind = "bearer", token = { file = "token" } }
check = { url = "/api/whoami" }
read = { url = "/api/posts/{{ id }}" }
find = { url = "/api/posts", query = { key = "{{ key }}" }, rows = "posts" }

[fields]
id = "id"
key = "key"
version = "version"
state = "state"
title = "title"
html = "html"
modified_by = "modified_by"

[create]
url = "/api/posts"
json = { key = "{{ key }}", title = "{{ title }}", html = "{{ html }}{{ files_html }}", state = "{{ state }}" }

[update]
method = "PUT"
url = "/api/posts/{{ id }}"
headers = { if-match = "{% if version %}\\"{{ version }}\\"{% endif %}" }
json = { title = "{{ title }}", html = "{{ html }}{{ files_html }}", state = "{{ state }}" }

[withdraw.notice]
url = "/api/posts/{{ id }}/withdraw"
headers = { if-match = "{% if version %}\\"{{ version }}\\"{% endif %}" }
json = { how = "notice" }

[withdraw.unpublish]
url = "/api/posts/{{ id }}/withdraw"
headers = { if-match = "{% if version %}\\"{{ version }}\\"{% endif %}" }
json = { how = "unpublish" }

[withdraw.delete]
url = "/api/posts/{{ id }}/withdraw"
headers = { if-match = "{% if version %}\\"{{ version }}\\"{% endif %}" }
json = { how = "delete" }

[[answers]]
means = "missing"
status = 404
when = "error == 'no_post'"

# A wrong token is no error for it: it answers as to anybody
[[answers]]
means = "not_logged_in"
when = "as == 'anonymous'"
"""


def desk(**changes: Any) -> dict[str, Any]:
    """Its options."""
    return options_of(TEXT, "secret-token") | changes
