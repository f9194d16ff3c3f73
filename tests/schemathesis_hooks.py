"""Closes what the description leaves open for the API to grow: in the tests an answer has no member that the description
does not name."""

import schemathesis


def close(node, is_part=False):
    if isinstance(node, list):
        for item in node:
            close(item)
    elif isinstance(node, dict):
        parts = node.get("allOf", [])
        if parts and any("properties" in part for part in parts):
            node["unevaluatedProperties"] = False
        elif isinstance(node.get("properties"), dict) and not is_part and "type" in node:
            node.setdefault("additionalProperties", False)
        for name, value in node.items():
            if name == "allOf":
                for part in value:
                    close(part, is_part=True)
            elif name not in ("example", "examples"):
                close(value)


def names_in_all_of(node, found):
    if isinstance(node, list):
        for item in node:
            names_in_all_of(item, found)
    elif isinstance(node, dict):
        if any("properties" in part for part in node.get("allOf", [])):
            found.update(part["$ref"].rsplit("/", 1)[1] for part in node["allOf"] if "$ref" in part)
        for value in node.values():
            names_in_all_of(value, found)
    return found


@schemathesis.hook
def before_load_schema(context, raw_schema):
    schemas = raw_schema["components"]["schemas"]
    parts = names_in_all_of(raw_schema, set())
    for name, schema in schemas.items():
        close(schema, is_part=name in parts)
    close(raw_schema["paths"])
