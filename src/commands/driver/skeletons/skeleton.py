#!/usr/bin/python3 -ES
"""NAME: a driver for Outrigger. Every place that knows your system is marked with HERE; as it stands, the system
is a folder with one JSON file for each machine. Try it: outrigger driver check ./NAME --settings NAME.json

Outrigger runs this file once for each primitive: the word is the first argument, the request one JSON object on
standard input, the answer one JSON object on standard output. Exit code 0 is success, 1 a failure. Print nothing
else on standard output; standard error goes to the log. By hand: outrigger driver run ./NAME list
"""
import json
import os
import sys


class Refused(Exception):
    """A failure that Outrigger understands: missing, busy, in-use, denied, unreachable, invalid or unknown."""

    def __init__(self, kind, message, sent=True):
        super().__init__(message)
        self.error = {"kind": kind, "message": message, "sent": sent}  # sent: may the change have happened?


def describe(_request):
    """The settings that an operator gives, the choices of an instance, and what you can do."""
    return {
        "name": "NAME", "about": "Machines in a folder",
        "marks": "label", "ids": "name", "capabilities": ["shut-down"],
        "settings": {
            "folder": {"about": "The folder of the machines", "required": True, "example": "/srv/machines"},
            "allowed_templates": {"about": "Patterns of the templates that instances may choose", "type": "list"},
        },
        "blueprint": {"template": {"about": "The template", "default": "blank", "within": "allowed_templates"}},
    }


def path_of(request, machine_id):
    return os.path.join(request["settings"]["folder"], machine_id + ".json")


def show(request, machine_id):
    """HERE: the machine as it is now; kind missing only where there certainly is none."""
    try:
        with open(path_of(request, machine_id), encoding="utf-8") as file:
            machine = json.load(file)
    except FileNotFoundError:
        raise Refused("missing", f"there is no machine {machine_id}", sent=False) from None
    keys = ("mark", "state", "cpus", "memoryBytes", "nics")
    return {"id": machine_id, "name": machine_id, **{key: machine[key] for key in keys}}


def save(request, machine_id, change, new=False):
    """HERE: keeps the machine with a change, in one step; a new one only where there is none."""
    path = path_of(request, machine_id)
    draft = f"{path}.{os.getpid()}"
    before = {} if new else json.load(open(path, encoding="utf-8"))
    with open(draft, "w", encoding="utf-8") as file:
        json.dump({**before, **change}, file)
    try:
        os.link(draft, path) if new else os.replace(draft, path)
    except FileExistsError:
        raise Refused("in-use", f"there is a machine {machine_id} already", sent=False) from None
    finally:
        if os.path.exists(draft):
            os.unlink(draft)


def list_machines(request):
    """HERE: all machines, those that CloudStack did not make too; a list that may lack one has to fail."""
    machines = []
    for name in sorted(os.listdir(request["settings"]["folder"])):
        if name.endswith(".json"):
            try:
                machines.append(show(request, name[:-5]))
            except Refused:
                pass  # removed since
    return {"machines": machines, "complete": True}


def hardware(request):
    """What the instance has now. Refuse a network that you cannot connect: raise Refused("invalid", ...)."""
    instance = request["instance"]
    if "cpus" not in instance:
        return {}
    nics = [{"mac": nic["mac"], "vlan": nic.get("vlan", "untagged")} for nic in instance["nics"]]
    return {"cpus": instance["cpus"], "memoryBytes": instance["memoryBytes"], "nics": nics}


def make(request):
    """HERE: a machine that is off, with the mark from the very first moment. Of two at once only one may win."""
    template = request["blueprint"]["template"]
    machine = {**hardware(request), "mark": request["mark"], "template": template, "state": "off"}
    save(request, request["name"], machine, new=True)
    return {"id": request["name"]}


def power_on(request):
    """HERE. You need not wait: Outrigger looks at the machine until it is on."""
    save(request, request["machine"]["id"], {**hardware(request), "state": "on"})
    return {}


def power_off(request):
    """HERE: shut-down asks the guest, cut-power does not."""
    save(request, request["machine"]["id"], {"state": "off"})
    return {}


def destroy(request):
    """HERE: running or not, with all that was made for it; success where it is gone."""
    try:
        os.unlink(path_of(request, request["machine"]["id"]))
    except FileNotFoundError:
        pass
    return {}


def write_mark(request):
    """HERE: the text is for Outrigger alone; keep it as it is, unless another call has changed it."""
    machine_id = request["machine"]["id"]
    if show(request, machine_id)["mark"] != request["expected"]:
        return {"lost": True}
    save(request, machine_id, {"mark": request["mark"]})
    return {}


PRIMITIVES = {
    "describe": describe, "list": list_machines, "make": make, "power-on": power_on, "shut-down": power_off,
    "cut-power": power_off, "destroy": destroy, "write-mark": write_mark,
    "get": lambda request: {"machine": show(request, request["id"])},
}


def main(word):
    try:
        if word not in PRIMITIVES:
            raise Refused("invalid", f"there is no primitive {word}", sent=False)
        answer, code = PRIMITIVES[word](json.load(sys.stdin)), 0
    except Refused as refused:
        answer, code = {"error": refused.error}, 1
    json.dump({"protocol": 1, **answer}, sys.stdout)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
