"""The page of the API at /docs: written on the server from the same document, no script, nothing from elsewhere."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import jinja2

__all__ = ["DOCS_POLICY", "write_docs"]

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}
h2{margin-top:2.5rem;border-bottom:1px solid #c8ced6}
details{border:1px solid #c8ced6;border-radius:6px;margin:.5rem 0;padding:.4rem .8rem}
summary{cursor:pointer}code,pre{font:14px/1.5 ui-monospace,monospace}
pre{overflow-x:auto;background:#f4f6f8;padding:.6rem}
table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.2rem .6rem .2rem 0}
@media (prefers-color-scheme:dark){body{color:#e6e9ed;background:#15181c}pre{background:#22272e}}
"""
_STYLE_HASH = base64.b64encode(sha256(_STYLE.encode()).digest()).decode()
DOCS_POLICY = f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; frame-ancestors 'none'"
"""The Content-Security-Policy of the page: its own style sheet, and nothing else."""

_PAGE = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(
    """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{{ document.info.title }} API</title><style>{{ style | safe }}</style></head><body>
<h1>{{ document.info.title }} API</h1>
<p>Version {{ document.info.version }}. The same as <a href="/openapi.json">OpenAPI 3.1</a>. A key goes into the header
<code>Authorization: Bearer KEY</code>; what is wrong is answered as <code>application/problem+json</code>.</p>
{% for tag, operations in tags.items() %}<h2 id="{{ tag }}">{{ tag }}</h2>
{% for one in operations %}<details><summary><code>{{ one.method }} {{ one.path }}</code>
{{ one.told.summary }}</summary>
<p>{{ one.told.description }}</p>
{% if one.told.parameters is defined %}<table><tr><th>parameter<th>in<th>needed<th>what</tr>
{% for parameter in one.told.parameters %}<tr><td><code>{{ parameter.name }}</code><td>{{ parameter["in"] }}
<td>{{ "yes" if parameter.required else "no" }}<td>{{ parameter.description | default("") }}</tr>
{% endfor %}</table>{% endif %}
{% if one.told.requestBody is defined %}{% for kind, content in one.told.requestBody.content.items() %}
<p>Body, <code>{{ kind }}</code></p><pre>{{ shown(content.schema) }}</pre>{% endfor %}{% endif %}
<table><tr><th>status<th>means</tr>
{% for status, answer in one.told.responses.items() %}<tr><td><code>{{ status }}</code><td>{{ answer.description }}
{% for kind, content in answer.content.items() if kind == "application/json" %}<pre>{{ shown(content.schema) }}</pre>
{% endfor %}</tr>{% endfor %}</table></details>
{% endfor %}{% endfor %}<h2 id="types">types</h2>
{% for name, schema in document.components.schemas.items() %}<details id="type-{{ name }}">
<summary><code>{{ name }}</code>
</summary><pre>{{ shown(schema) }}</pre></details>
{% endfor %}</body></html>
"""
)


def write_docs(document: Mapping[str, Any]) -> str:
    """The page of an OpenAPI document, as HTML."""
    tags: dict[str, list[dict[str, Any]]] = {}
    for path, operations in document["paths"].items():
        for method, told in operations.items():
            tags.setdefault(told["tags"][0], []).append({"method": method.upper(), "path": path, "told": told})
    return _PAGE.render(document=document, tags=tags, style=_STYLE, shown=_show)


def _show(schema: Any, indent: int = 0) -> str:
    """A schema as one reads it: names, types, what is needed."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "properties" in schema:
        needed = set(schema.get("required", ()))
        inside = "  " * (indent + 1)
        lines = [
            f"{inside}{name}{'' if name in needed else '?'}: {_show(part, indent + 1)}"
            for name, part in schema["properties"].items()
        ]
        return "\n".join(["{", *lines, "  " * indent + "}"])
    if "anyOf" in schema:
        return " | ".join(_show(part, indent) for part in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(repr(value) for value in schema["enum"])
    kind = schema.get("type", "anything")
    if kind == "array":
        return f"[{_show(schema.get('items', {}), indent)}]" if isinstance(schema.get("items", {}), dict) else "[...]"
    kinds = " | ".join(kind) if isinstance(kind, list) else str(kind)
    bounds = [f"{name} {schema[name]}" for name in ("minimum", "maximum", "maxLength", "format") if name in schema]
    return kinds + (f" ({', '.join(bounds)})" if bounds else "")
