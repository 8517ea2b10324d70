"""Reads a seed as cloud-init does, from a folder: its data source, its parts, what it makes of the network."""
import base64
import json
import logging
import os
import sys
import tempfile

sys.path[:0] = ["/usr/lib/python3/dist-packages"]
from cloudinit import helpers, user_data  # noqa: E402
from cloudinit.net import eni, netplan, network_state  # noqa: E402
from cloudinit.sources import DataSourceNoCloud as source  # noqa: E402

logging.disable(logging.CRITICAL)
folder = sys.argv[1]
base = tempfile.mkdtemp()
paths = helpers.Paths({"cloud_dir": base, "run_dir": base, "templates_dir": base})
ds = source.DataSourceNoCloud({"datasource": {"NoCloud": {"fs_label": None}}}, None, paths)
ds.seed_dirs = [folder]
assert ds._get_data(), "the data source has refused the seed"


def parts(message):
    return [
        {
            "type": part.get_content_type(),
            "text": base64.b64encode(part.get_payload(decode=True) or b"").decode(),
        }
        for part in message.walk()
        if not part.is_multipart()
    ]


def rendered(renderer, state):
    target = tempfile.mkdtemp()
    renderer.render_network_state(state, target=target)
    found = {}
    for where, _, names in os.walk(target):
        for name in names:
            with open(os.path.join(where, name)) as file:
                found[os.path.relpath(os.path.join(where, name), target)] = file.read()
    return found


network = ds.network_config
# The guest's NICs, which are not those of the machine that runs this.
macs = [each["match"]["macaddress"] for each in (network or {}).get("ethernets", {}).values()
        if "macaddress" in each["match"]]
names = {mac: "eth%d" % i for i, mac in enumerate(macs)}
network_state.get_interfaces_by_mac = lambda: names
network_state.find_interface_name_from_mac = names.get
state = network_state.parse_net_config_data(network) if network else None
process = user_data.UserDataProcessor(paths)
raw = ds.userdata_raw if isinstance(ds.userdata_raw, bytes) else ds.userdata_raw.encode()
vendor = ds.vendordata_raw or b""
print(json.dumps({
    "metadata": ds.metadata,
    "instance_id": ds.get_instance_id(),
    "hostname": str(ds.get_hostname()[0] if isinstance(ds.get_hostname(), tuple) else ds.get_hostname()),
    "keys": ds.get_public_ssh_keys(),
    "user": base64.b64encode(raw).decode(),
    "user_parts": parts(process.process(raw)),
    "vendor_parts": parts(process.process(vendor)) if vendor else [],
    "network": network,
    "eni": rendered(eni.Renderer(), state) if state else {},
    "netplan": netplan.Renderer({"postcmds": False})._render_content(state) if state else "",
}))
