#!/usr/bin/python3 -ES
"""A driver as it should be, for a system that lives in one JSON file.

The tests look into that file and disturb it: `control` holds the troubles of the system.
"""
import fcntl
import json
import os
import sys
import time


class Refused(Exception):
    def __init__(self, kind, message, sent=True):
        super().__init__(message)
        self.answer = {"kind": kind, "message": message, "sent": sent}


def describe(_request):
    return {
        "name": "Test file",
        "about": "Machines in a file",
        "marks": "label",
        "ids": "name",
        "capabilities": ["shut-down", "restart", "resume", "snapshots", "find"],
        "settings": {
            "state": {"about": "The file that holds the machines", "required": True, "example": "/srv/machines.json"},
            "password": {"about": "Opens the file", "secret": True},
            "allowed_templates": {"about": "Patterns of templates", "type": "list"},
            "max_disk_gb": {"about": "The largest disk", "type": "number", "min": 1, "max": 65536, "unit": "GiB"},
        },
        "blueprint": {
            "template_id": {"about": "The template", "required": True, "within": "allowed_templates", "example": "debian-12"},
            "disk_size_gb": {"about": "The size of the disk", "type": "number", "min": 1, "max": 65536,
                             "unit": "GiB", "within": "max_disk_gb"},
        },
        "actions": {
            "Paint": {
                "about": "Paints the machine",
                "effect": "changes",
                "parameters": {"colour": {"about": "The colour", "allowed": ["red", "blue"], "required": True, "example": "red"}},
            },
            "Reset": {"about": "Restarts the machine at once", "effect": "interrupts", "roles": "everyone", "wants": "running"},
            "Suspend": {"about": "Halts the machine", "effect": "interrupts", "wants": "running"},
            "Resume": {"about": "Lets the machine go on", "wants": "running"},
            "Reinstall": {"about": "Makes the disk anew", "effect": "discards", "destroysData": True, "usesBlueprint": True},
        },
    }


def open_state(request):
    path = request["settings"]["state"]
    handle = open(path + ".lock", "w", encoding="utf-8")
    fcntl.flock(handle, fcntl.LOCK_EX)
    with open(path, encoding="utf-8") as file:
        state = json.load(file)
    control = state["control"]
    if control.get("outage"):
        control["calls"] = control.get("calls", 0) + 1
        save(request, state)
        raise Refused("unreachable", "the file does not answer", sent=False)
    return handle, state


def save(request, state):
    """In one step: a process that is killed in the middle leaves the state of before."""
    path = request["settings"]["state"]
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump(state, file)
    os.replace(path + ".new", path)


def shown(machine):
    if machine.get("damaged"):
        return {"id": machine["id"], "name": None, "mark": "[outrigger:", "state": "unknown"}
    keys = ("id", "name", "mark", "state", "cpus", "memoryBytes", "nics", "template", "guard", "node", "home")
    return {key: machine[key] for key in keys if key in machine}


def visible(state):
    if state["control"].get("blind"):
        raise Refused("denied", "the account may not list machines")
    return list(state["machines"].values())


def list_machines(request):
    _, state = open_state(request)
    return {"machines": [shown(each) for each in visible(state)], "complete": True}


def get(request):
    _, state = open_state(request)
    visible(state)
    return {"machine": shown(need(state, request["id"]))}


def find(request):
    _, state = open_state(request)
    uuid = request["instance"]["uuid"]
    return {"machines": [shown(each) for each in visible(state) if uuid in (each.get("mark") or "")]}


def need(state, machine_id):
    machine = state["machines"].get(machine_id)
    if machine is None:
        raise Refused("missing", f"there is no machine {machine_id}", sent=False)
    return machine


def nics_of(instance):
    return [{"mac": nic["mac"], "vlan": nic.get("vlan", "untagged")} for nic in instance["nics"]]


def hardware(instance):
    for nic in instance["nics"]:
        if nic["segment"] not in ("vlan", "untagged"):
            raise Refused("invalid", f"NIC {nic['deviceId']} is on a network that this system has not", sent=False)
    return {"cpus": instance["cpus"], "memoryBytes": instance["memoryBytes"], "nics": nics_of(instance)}


def refuse_capacity(state):
    if state["control"].get("full"):
        raise Refused("denied", "the file is full", sent=False)


def task(request, control):
    """Stands for the time that a real system takes; the file is free meanwhile."""
    time.sleep(control.get("taskMs", 0) / 1000)
    if control.get("failTasks"):
        raise Refused("unknown", "the task failed")


def make(request):
    handle, state = open_state(request)
    visible(state)
    name = request["name"]
    if name in state["machines"]:
        raise Refused("in-use", f"there is a machine {name} already", sent=False)
    template = state["machines"].get(request["blueprint"]["template_id"])
    if template is not None and not template.get("template"):
        raise Refused("denied", "the template is a machine", sent=False)
    refuse_capacity(state)
    state["machines"][name] = {
        "id": name, "name": name, "mark": request["mark"], "state": "off", "node": "n1", "home": "n1",
        **hardware(request["instance"]), "disk": f"{request['blueprint']['template_id']} {os.urandom(4).hex()}",
        "boots": 0, "snapshots": [],
    }
    save(request, state)
    handle.close()
    task(request, state["control"])
    return {"id": name}


def change(request, work, quick=False):
    handle, state = open_state(request)
    visible(state)
    machine = need(state, request["machine"]["id"])
    work(machine, state)
    save(request, state)
    handle.close()
    if not quick:
        task(request, state["control"])
    return {}


def power_on(request):
    def work(machine, state):
        if "cpus" in request["instance"]:
            if hardware(request["instance"])["memoryBytes"] > machine["memoryBytes"] or machine["state"] == "off":
                refuse_capacity(state)
            machine.update(hardware(request["instance"]))
        if machine["state"] != "on":
            machine["state"] = "on"
            machine["boots"] = machine.get("boots", 0) + 1
    return change(request, work)


def cut_power(request):
    return change(request, lambda machine, _state: machine.update(state="off"))


def shut_down(request):
    def work(machine, state):
        if not state["control"].get("ignoreShutdown"):
            machine["state"] = "off"
    return change(request, work)


def restart(request):
    return change(request, lambda machine, _state: machine.update(state="on", boots=machine.get("boots", 0) + 1))


def resume(request):
    return change(request, lambda machine, _state: machine.update(state="on"))


def destroy(request):
    handle, state = open_state(request)
    visible(state)
    state["machines"].pop(request["machine"]["id"], None)
    save(request, state)
    return {}


def write_mark(request):
    handle, state = open_state(request)
    visible(state)
    machine = need(state, request["machine"]["id"])
    if machine.get("mark") != request["expected"]:
        return {"lost": True}
    machine["mark"] = request["mark"]
    save(request, state)
    return {}


def list_snapshots(request):
    _, state = open_state(request)
    machine = need(state, request["machine"]["id"])
    return {"snapshots": [{key: each[key] for key in ("name", "description", "created") if key in each}
                          for each in machine["snapshots"]]}


def take_snapshot(request):
    snapshot = request["snapshot"]

    def work(machine, _state):
        machine["snapshots"].append({**snapshot, "disk": machine["disk"], "created": "2026-11-30T12:00:00Z"})
    return change(request, work)


def remove_snapshot(request):
    name = request["snapshot"]["name"]

    def work(machine, _state):
        machine["snapshots"] = [each for each in machine["snapshots"] if each["name"] != name]
    return change(request, work, quick=True)


def restore_snapshot(request):
    def work(machine, _state):
        [saved] = [each for each in machine["snapshots"] if each["name"] == request["snapshot"]["name"]]
        machine.update(disk=saved["disk"], state="off")
    return change(request, work)


def reinstall(machine, _state):
    ran = machine["state"] != "off"
    machine.update(disk=f"anew {os.urandom(4).hex()}",
                   boots=machine["boots"] + (1 if ran else 0))


def run_action(request):
    action = request["action"]
    if action == "Reset":
        restart(request)
    elif action == "Suspend":
        change(request, lambda machine, _state: machine.update(state="paused"))
    elif action == "Resume":
        resume(request)
    elif action == "Reinstall":
        change(request, reinstall)
    else:
        colour = request["parameters"]["colour"]
        change(request, lambda machine, _state: machine.update(colour=colour))
        return {"message": f"The machine is {colour}"}
    return {"message": "It was done"}


WORDS = {
    "describe": describe, "list": list_machines, "get": get, "find": find, "make": make, "power-on": power_on,
    "cut-power": cut_power, "shut-down": shut_down, "restart": restart, "resume": resume, "destroy": destroy,
    "write-mark": write_mark, "list-snapshots": list_snapshots, "take-snapshot": take_snapshot,
    "remove-snapshot": remove_snapshot, "restore-snapshot": restore_snapshot, "run-action": run_action,
}


def answer(members):
    sys.stdout.write(json.dumps({"protocol": 1, **members}))


def main(word):
    try:
        answer(WORDS[word](json.load(sys.stdin)))
        return 0
    except Refused as refused:
        answer({"error": refused.answer})
        return 1


# a fault goes here
if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
