#!/bin/bash
# A driver for Outrigger: containers of LXC on this very server (Debian's packages lxc and jq).
#
# A record, PATH/.outrigger/NAME.json, holds a container's mark and hardware. It is made first, in one step that only
# one process can win: from then on the machine is there, with its mark, whatever becomes of lxc-create.
# LXC wants root. For user cloud: visudo -f /etc/sudoers.d/outrigger, with the line
#   cloud ALL=(root) NOPASSWD: /etc/outrigger/drivers/lxc
# shellcheck disable=SC2015,SC2016 # what stands in single quotes, jq fills in
set -uo pipefail
[ "$EUID" = 0 ] || exec sudo -n -- "$0" "$@"
exec 3>&1 1>&2 # what the programs print goes to the log: file 3 is for the answer alone

changed() { echo '{"protocol": 1}' >&3; }
fail() { # fail KIND SENT MESSAGE
  jq -nc --arg k "$1" --argjson s "$2" --arg m "$3" '{protocol: 1, error: {kind: $k, sent: $s, message: $m}}' >&3
  exit 1
}
must() { # must COMMAND...: its last words become the failure
  words=$("$@" 3>&- 2>&1 </dev/null) || fail unknown true "$1 failed: $(tail -n 1 <<<"$words" | cut -c 1-300)"
}

describe() {
  cat >&3 <<'JSON'
{"protocol": 1, "name": "LXC", "about": "Containers of LXC on the management server itself",
 "marks": "label", "ids": "name", "capabilities": ["shut-down"],
 "settings": {
  "path": {"about": "The folder of the containers", "default": "/var/lib/lxc", "pattern": "/[A-Za-z0-9/._-]+", "wants": "an absolute path"},
  "bridge": {"about": "The bridge of the NICs, with {vlan} for a VLAN; unset: none", "pattern": "[A-Za-z0-9{}._-]+", "wants": "a bridge"},
  "limits": {"about": "How CPUs and memory are limited", "allowed": ["cgroup2", "none"], "default": "cgroup2"},
  "allowed_templates": {"about": "Patterns of the templates that instances may choose", "type": "list", "default": "busybox"}},
 "blueprint": {
  "template": {"about": "The template of LXC", "pattern": "[a-z0-9-]{1,40}", "wants": "a name", "default": "busybox", "within": "allowed_templates"}}}
JSON
}

# The values of the request, read at once: a start of jq takes longer than most of what LXC does. Where the request has
# hardware, the instance's record is made of it: $record
read_request() {
  request=$(cat)
  IFS=$'\x1f' read -r -d '' path bridge limits template id mapped record < <(jq -j '
    (.instance.nics // []) as $nics | (.settings.bridge // "") as $bridge |
    [.settings.path, $bridge, .settings.limits, .blueprint.template, .machine.id // .id // .name,
      all($nics[]; .segment == "untagged" or (.segment == "vlan" and ($bridge == "" or ($bridge | contains("{vlan}"))))),
      (.instance // {} | {cpus, memoryBytes, nics: [$nics[] | {mac, vlan: (.vlan // "untagged")}]} |
        if .cpus then tojson else "" end)]
    | map(tostring) | join("\u001f") + "\u001f"' <<<"$request")
}
state_of() { # state_of NAME
  [ -e "$path/$1/config" ] || { echo off && return; }
  case $(timeout 10 lxc-info -P "$path" -n "$1" -sH 2>/dev/null </dev/null) in
    RUNNING) echo on ;; STOPPED) echo off ;; FROZEN) echo paused ;; *) echo unknown ;;
  esac
}

look() { # NAMES on standard input | look: a line for each that is there
  while read -r name; do
    [ -e "$records/$name.json" ] || [ -e "$path/$name/config" ] || continue
    printf '%s\t%s\t%s\n' "$name" "$(state_of "$name")" "$(cat "$records/$name.json" 2>/dev/null || echo '{"mark": null}')"
  done
}
as_machine='split("\t") as [$id, $state, $record] | {id: $id, name: $id, state: $state} + ($record | fromjson)'
list() {
  [ -d "$path" ] || fail denied false "there is no folder $path, so that no list is complete"
  for file in "$records"/*.json "$path"/*/config; do
    file=${file#"$records"/} file=${file#"$path"/} file=${file%.json} && echo "${file%/config}"
  done | sort -u | look | jq -cnR "{protocol: 1, machines: [inputs | $as_machine], complete: true}" >&3
}
get() {
  read -r line < <(look <<<"$id") || fail missing false "there is no container $id"
  jq -cR "{protocol: 1, machine: ($as_machine)}" <<<"$line" >&3
}
change_record() { # change_record FILTER: in one step; code 4 where the filter gives nothing
  jq -ce --argjson request "$request" "$1" "$records/$id.json" >"$records/$id.$$" && mv "$records/$id.$$" "$records/$id.json"
}

write_config() { # the hardware of the record in LXC's words
  jq -r --arg bridge "$bridge" --arg limits "$limits" '
    (.nics | to_entries[] | "lxc.net.\(.key).hwaddr = \(.value.mac)",
      if $bridge == "" then "lxc.net.\(.key).type = empty"
      else "lxc.net.\(.key).type = veth", "lxc.net.\(.key).flags = up",
        "lxc.net.\(.key).link = \($bridge | sub("\\{vlan\\}"; "\(.value.vlan // "")"))" end),
    if $limits == "cgroup2" then "lxc.cgroup2.memory.max = \(.memoryBytes)", "lxc.cgroup2.cpu.max = \(.cpus * 100000) 100000"
    else empty end' <<<"$record" >"$records/$id.conf"
}

refuse_networks() { [ "$mapped" = true ] || fail invalid false "a NIC is on a network that the setting \"bridge\" does not map"; }
make() {
  refuse_networks && mkdir -p "$records"
  [ ! -e "$path/$id" ] || [ -e "$records/$id.json" ] || fail in-use false "there is a container $id already"
  jq -c --argjson record "$record" '$record + {mark}' <<<"$request" >"$records/$id.$$"
  ln -T "$records/$id.$$" "$records/$id.json" && linked=1 # a link is made in one step, and once
  rm -f "$records/$id.$$" && [ -n "${linked-}" ] || fail in-use false "there is a machine $id already"
  write_config
  must lxc-create -P "$path" -n "$id" -t "$template" -f /dev/null
  echo "lxc.include = $records/$id.conf" >>"$path/$id/config"
  jq -c '{protocol: 1, id: .name}' <<<"$request" >&3
}

power_on() {
  [ "$(state_of "$id")" = off ] || { changed && return; }
  refuse_networks
  [ -z "$record" ] || { change_record ". + $record" && write_config; } || fail unknown true "no record of $id can be written"
  must lxc-start -P "$path" -n "$id" -d && changed
}
cut_power() { [ "$(state_of "$id")" = off ] || must lxc-stop -P "$path" -n "$id" -k; }
destroy() {
  cut_power
  [ ! -e "$path/$id" ] || lxc-destroy -P "$path" -n "$id" </dev/null || must rm -rf -- "$path/$id"
  must rm -f -- "$records/$id.conf" "$records/$id.json" # last: until here the machine can be seen
  changed
}
write_mark() {
  [ -n "$(look <<<"$id")" ] || fail missing false "there is no container $id"
  mkdir -p "$records" && [ -e "$records/$id.json" ] || echo '{"mark": null, "cpus": 1, "memoryBytes": 0, "nics": []}' >"$records/$id.json"
  change_record 'if .mark == $request.expected then . + ($request | {mark}) else empty end'
  case $? in 0) changed ;;
    4) rm -f "$records/$id.$$" && echo '{"protocol": 1, "lost": true}' >&3 ;;
    *) fail unknown true "no record of $id can be written" ;;
  esac
}

shopt -s nullglob
[ "${1-}" = describe ] || read_request
records=${path-}/.outrigger
case ${1-} in
  describe | list | get | make | power-on | destroy | write-mark) "${1//-/_}" ;;
  shut-down) lxc-stop -P "$path" -n "$id" --nokill --nowait </dev/null; changed ;;
  cut-power) cut_power && changed ;;
  *) fail invalid false "no primitive ${1-}" ;;
esac
