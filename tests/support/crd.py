"""Objects of Kubernetes compared with the schema of a custom resource.

Schemas there are structural: types, properties, items and enumerations, and nothing conditional, so
a walk over both is a whole check. `x-kubernetes-preserve-unknown-fields` and quantities, which are
numbers or texts, are the two that take more than one type.
"""

from typing import Any

TYPES: dict[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
}


def problems(value: Any, schema: dict[str, Any], where: str = "") -> list[str]:
    """What of a value its schema does not allow, by its place; empty where all is well."""
    if schema.get("x-kubernetes-int-or-string"):
        return [] if isinstance(value, int | str) else [f"{where}: neither a number nor a text"]
    kind = schema.get("type", "object")
    if not isinstance(value, TYPES[kind]) or (isinstance(value, bool) and kind != "boolean"):
        return [f"{where}: {value!r} is not of the type {kind}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{where}: {value!r} is none of {schema['enum']}"]
    if kind == "array":
        return [
            found
            for number, one in enumerate(value)
            for found in problems(one, schema["items"], f"{where}[{number}]")
        ]
    return _of_object(value, schema, where) if kind == "object" else []


def _of_object(value: dict[str, Any], schema: dict[str, Any], where: str) -> list[str]:
    known, others = schema.get("properties", {}), schema.get("additionalProperties")
    found = [f"{where}: lacks {name}" for name in schema.get("required", []) if name not in value]
    if not known and others is None:  # such as `metadata`, which the API server knows by itself
        return found
    for name, one in value.items():
        below = known.get(name, others)
        if isinstance(below, dict):
            found += problems(one, below, f"{where}.{name}")
        elif not below and not schema.get("x-kubernetes-preserve-unknown-fields"):
            found.append(f"{where}: {name} is unknown")
    return found
