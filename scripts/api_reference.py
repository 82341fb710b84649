"""The pages of docs/api, made of the contract's comments: one for each service, one for the types that they share, one
for the error reasons. Takes the contract as `buf build -o -#format=json` prints it."""

import re
from string import Template

PACKAGE = ".rollcall.v1."
WELL_KNOWN = "https://protobuf.dev/reference/protobuf/google.protobuf/#"
NOTICE = "<!-- Made by scripts/docs from the comments in proto/: change them there. -->\n\n"
# Reasons that gRPC's codes are called like, too: a comment that has the word may mean the code.
CODES = {"ALREADY_EXISTS", "UNAUTHENTICATED", "PERMISSION_DENIED"}


def pages(image: dict, examples: dict[str, str]) -> dict[str, str]:
    """The pages by file name; `examples` has a request for each `Service/Method`."""
    files = [file for file in image["file"] if file.get("package") == "rollcall.v1"]
    return Reference(sorted(files, key=lambda file: file["name"]), examples).pages()


def kebab(name: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"-\1", name).lower()


class Reference:
    def __init__(self, files: list[dict], examples: dict[str, str]):
        self.files, self.examples = files, examples
        self.comments: dict[str, str] = {}  # by full name
        self.places: dict[str, str] = {}  # the page and anchor of each type, by full name
        self.links: dict[str, str] = {}  # the same of the words in comments that become links
        for file in files:
            self.read_comments(file)
            self.read_places(file)

    def read_comments(self, file: dict) -> None:
        for location in file["sourceCodeInfo"]["location"]:
            if "leadingComments" in location:
                self.comments[name_at(file, location["path"])] = " ".join(location["leadingComments"].split())

    def read_places(self, file: dict) -> None:
        services = file.get("service", [])
        page = f"{kebab(services[0]['name'])}.md" if services else "types.md"
        for kind in file.get("messageType", []) + file.get("enumType", []):
            self.places[kind["name"]] = f"{page}#{kind['name'].lower()}"
        for service in services:
            for method in service["method"]:
                place = f"{page}#{method['name'].lower()}"
                self.links[method["name"]] = place
                # Requests and responses are shown with their RPC.
                self.places[type_name(method["inputType"])] = self.places[type_name(method["outputType"])] = place
        for reason in (v for e in file.get("enumType", []) if e["name"] == "ErrorReason" for v in e["value"]):
            word = reason["name"].removeprefix("ERROR_REASON_")
            if word not in CODES:
                self.links[word] = f"errors.md#{word.lower()}"

    def pages(self) -> dict[str, str]:
        services = [(file, service) for file in self.files for service in file.get("service", [])]
        made = {f"{kebab(service['name'])}.md": self.service(file, service) for file, service in services}
        made["README.md"] = self.overview([service for _, service in services])
        made["types.md"] = self.shared_types()
        made["errors.md"] = self.errors()
        return {name: NOTICE + text.rstrip() + "\n" for name, text in made.items()}

    def overview(self, services: list[dict]) -> str:
        text = (
            "# API reference\n\nThe package `rollcall.v1`, as it is in [`proto/rollcall/v1`](../../proto/rollcall/v1). "
            "[How to call it](../clients.md), the [types](types.md) that the services share, and the "
            "[errors](errors.md).\n\n"
        )
        for service in services:
            page = f"{kebab(service['name'])}.md"
            text += f"## [{service['name']}]({page})\n\n{self.prose(service['name'])}\n\n"
            text += "| RPC | role | what it does |\n|---|---|---|\n"
            for method in service["method"]:
                name = method["name"]
                # Up to the first full stop that ends a sentence.
                what = re.split(r"(?<=[.:]) (?=[A-Z])", self.comments[f"{service['name']}.{name}"])[0]
                text += f"| [{name}]({page}#{name.lower()}) | `{role(method)}` | {self.cell(what)} |\n"
            text += "\n"
        return text + "## Roles\n\n" + self.enum("Role")

    def service(self, file: dict, service: dict) -> str:
        text = f"# {service['name']}\n\n{self.prose(service['name'])}\n\n"
        messages = {message["name"]: message for message in file["messageType"]}
        for method in service["method"]:
            text += self.method(service["name"], method, messages)
        shown = {type_name(method[end]) for method in service["method"] for end in ("inputType", "outputType")}
        local = [name for name in messages if name not in shown] + [enum["name"] for enum in file.get("enumType", [])]
        if local:
            text += "# Types\n\n" + "".join(self.type(name) for name in sorted(local))
        return text

    def method(self, service: str, method: dict, messages: dict[str, dict]) -> str:
        name = method["name"]
        text = f"## {name}\n\n{self.prose(f'{service}.{name}')}\n\nRole: [`{role(method)}`](README.md#roles)\n\n"
        example = self.examples[f"{service}/{name}"]
        text += f"```sh\ngrpcurl -plaintext -d '{example}' \\\n"
        text += f"    localhost:50051 rollcall.v1.{service}/{name}\n```\n\n"
        for end, title, stream in (("input", "Request", "clientStreaming"), ("output", "Response", "serverStreaming")):
            message = messages[type_name(method[f"{end}Type"])]
            text += f"### {title}{': a stream of messages' if method.get(stream) else ''}\n\n"
            if not self.comments[message["name"]].startswith(f"The {title.lower()} of {name}"):
                text += self.prose(message["name"]) + "\n\n"
            text += self.fields(message)
        return text

    def shared_types(self) -> str:
        text = "# Types\n\nWhat several services share. The other types are on the pages of their services.\n\n"
        names = (name for name, place in self.places.items() if place.startswith("types.md"))
        return text + "".join(self.type(name) for name in sorted(names) if name not in ("ErrorReason", "Role"))

    def errors(self) -> str:
        text = f"# Errors\n\n{self.comments['ErrorReason']}\n\n"
        for value in self.find("enumType", "ErrorReason")["value"][1:]:
            word = value["name"].removeprefix("ERROR_REASON_")
            text += f"## {word}\n\n{self.comments['ErrorReason.' + value['name']]}\n\n"
        return text

    def find(self, kind: str, name: str) -> dict | None:
        return next((found for file in self.files for found in file.get(kind, []) if found["name"] == name), None)

    def type(self, name: str) -> str:
        message = self.find("messageType", name)
        text = f"## {name}\n\n{self.prose(name)}\n\n"
        return text + (self.fields(message) if message else self.enum(name))

    def fields(self, message: dict) -> str:
        if not message.get("field"):
            return "Without fields.\n\n"
        text = "| field | type | what it is |\n|---|---|---|\n"
        for field in message["field"]:
            comment = self.comments[f"{message['name']}.{field['name']}"]
            if "oneofIndex" in field and not field.get("proto3Optional"):
                group = message["oneofDecl"][field["oneofIndex"]]["name"]
                comment += f" {self.comments[message['name'] + '.' + group]}"
            text += f"| `{field['name']}` | {self.field_type(message, field)} | {self.cell(comment)} |\n"
        return text + "\n"

    def field_type(self, message: dict, field: dict) -> str:
        nested = {kind["name"]: kind for kind in message.get("nestedType", [])}
        if (entry := nested.get(field.get("typeName", "").rsplit(".", 1)[-1])) and entry["options"]["mapEntry"]:
            key, value = (self.field_type(message, part) for part in entry["field"])
            return f"map of {key} to {value}"
        words = "repeated " if field["label"] == "LABEL_REPEATED" else ""
        if field.get("proto3Optional"):
            words = "optional "
        if "typeName" not in field:
            return words + field["type"].removeprefix("TYPE_").lower()
        name = type_name(field["typeName"])
        if name in self.places:
            return f"{words}[{name}]({self.places[name]})"
        short = name.rsplit(".", 1)[-1]
        return f"{words}[{short}]({WELL_KNOWN}{kebab(short)})"

    def enum(self, name: str) -> str:
        text = "| value | what it means |\n|---|---|\n"
        for value in self.find("enumType", name)["value"]:
            text += f"| `{value['name']}` | {self.cell(self.comments[name + '.' + value['name']])} |\n"
        return text + "\n"

    def cell(self, text: str) -> str:
        return self.linked(text).replace("|", r"\|")

    def prose(self, name: str) -> str:
        return self.linked(self.comments[name])

    def linked(self, text: str) -> str:
        """The text with its RPCs and error reasons as links, apart from what is code."""

        def link(match: re.Match) -> str:
            place = self.links.get(match[0])
            return f"[{match[0]}]({place})" if place else match[0]

        parts = text.split("`")
        return "`".join(part if index % 2 else re.sub(r"\b[A-Z]\w+", link, part) for index, part in enumerate(parts))


def type_name(full: str) -> str:
    return full.removeprefix(PACKAGE).removeprefix(".")


def role(method: dict) -> str:
    return method["options"]["[rollcall.v1.role]"].removeprefix("ROLE_")


def name_at(file: dict, path: list[int]) -> str:
    """The name of what is at a path of the descriptor: `Message.field`, `Service.Method`, `Enum.VALUE`."""
    kinds = {(4,): "messageType", (5,): "enumType", (6,): "service", (7,): "extension"}
    kinds |= {(4, 2): "field", (4, 8): "oneofDecl", (5, 2): "value", (6, 2): "method"}
    node, names, seen = file, [], ()
    for number, index in zip(path[::2], path[1::2]):
        seen += (number,)
        node = node[kinds[seen]][index]
        names.append(node["name"])
    return ".".join(names)
