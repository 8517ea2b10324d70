#!/bin/bash
# NAME: a driver for Outrigger. Every line that knows your system is marked with HERE; as it stands, the system is
# a folder with one JSON file for each machine. Try it: outrigger driver check ./NAME --settings NAME.json
#
# Outrigger runs this file once for each primitive: the word is the first argument, the request one JSON object on
# standard input, the answer one JSON object on standard output. Exit code 0 is success, 1 a failure. Print nothing
# else on standard output; standard error goes to the log. Run jq by hand: outrigger driver run ./NAME list
set -uo pipefail
exec 3>&1 1>&2 # from here on, what programs print goes to the log, and file 3 is for the answer
request=$(cat)

get() { jq -r "$1 // empty" <<<"$request"; } # get .machine.id: a value of the request
answer() { jq -c '{protocol: 1} + .' >&3; }  # answer: the JSON on standard input
fail() { # fail KIND SENT MESSAGE: missing, busy, in-use, denied, unreachable, invalid or unknown; SENT: may it have happened?
  jq -nc --arg kind "$1" --argjson sent "$2" --arg message "$3" \
    '{protocol: 1, error: {kind: $kind, sent: $sent, message: $message}}' >&3
  exit 1
}

describe() { # the settings that an operator gives, the choices of an instance, and what you can do
  answer <<'JSON'
{"name": "NAME", "about": "Machines in a folder",
 "marks": "label", "ids": "name", "capabilities": ["shut-down"],
 "settings": {
  "folder": {"about": "The folder of the machines", "required": true, "example": "/srv/machines"},
  "allowed_templates": {"about": "Patterns of the templates that instances may choose", "type": "list"}},
 "blueprint": {
  "template": {"about": "The template", "default": "blank", "within": "allowed_templates"}}}
JSON
}

show() { # HERE: the machine $1 as it is now; fails where there certainly is none
  [ -e "$folder/$1.json" ] || return 1
  jq -c --arg id "$1" '{id: $id, name: $id, mark, state, cpus, memoryBytes, nics}' "$folder/$1.json"
}

save() { # HERE: keeps what stands on standard input as the machine $1, in one step
  cat >"$folder/$1.new.$$" && mv "$folder/$1.new.$$" "$folder/$1.json"
}

list() { # HERE: all machines, those that CloudStack did not make too; a list that may lack one has to fail
  local file name
  [ -d "$folder" ] || fail denied false "there is no folder $folder"
  for file in "$folder"/*.json; do
    name=${file##*/}
    show "${name%.json}" || true # removed since
  done | jq -sc '{machines: ., complete: true}' | answer
}

hardware() { # what the instance has now. Refuse a network that you cannot connect: fail invalid false "..."
  jq -c '.instance | {cpus, memoryBytes, nics: [.nics[] | {mac, vlan: (.vlan // "untagged")}]}' <<<"$request"
}

make() { # HERE: a machine that is off, named .name, with the mark from the very first moment. Only one of two may win
  local name
  name=$(get .name)
  hardware | jq -c --arg mark "$(get .mark)" --arg template "$(get .blueprint.template)" \
    '. + {mark: $mark, template: $template, state: "off"}' >"$folder/$name.$$"
  ln -T "$folder/$name.$$" "$folder/$name.json" || taken=1 # a link is made in one step, and once
  rm -f "$folder/$name.$$"
  [ -z "${taken-}" ] || fail in-use false "there is a machine $name already"
  jq -nc --arg id "$name" '{id: $id}' | answer
}

power_on() { # HERE: brings the hardware up to date, where the request has it, and switches on
  local more='{}'
  [ -z "$(get .instance.cpus)" ] || more=$(hardware)
  jq -c --argjson more "$more" '. + $more + {state: "on"}' "$folder/$id.json" | save "$id"
  answer <<<'{}' # you need not wait: Outrigger looks at the machine until it is on
}

power_off() { # HERE
  jq -c '. + {state: "off"}' "$folder/$id.json" | save "$id"
  answer <<<'{}'
}

destroy() { # HERE: running or not, with all that was made for it; success where it is gone
  rm -f -- "$folder/$id.json"
  answer <<<'{}'
}

write_mark() { # HERE: the text is for Outrigger alone; keep it as it is
  local now
  now=$(show "$id") || fail missing false "there is no machine $id"
  [ "$(jq -r '.mark // empty' <<<"$now")" = "$(get .expected)" ] || { answer <<<'{"lost": true}' && return; }
  jq -c --argjson mark "$(jq -c .mark <<<"$request")" '. + {mark: $mark}' "$folder/$id.json" | save "$id"
  answer <<<'{}'
}

folder=$(get .settings.folder)
id=$(get .machine.id)
shopt -s nullglob
case ${1-} in
  describe) describe ;;
  list) list ;;
  get) machine=$(show "$(get .id)") || fail missing false "there is no machine $(get .id)"
    jq -c '{machine: .}' <<<"$machine" | answer ;;
  make) make ;;
  power-on) power_on ;;
  shut-down | cut-power) power_off ;; # shut-down asks the guest, cut-power does not
  destroy) destroy ;;
  write-mark) write_mark ;;
  *) fail invalid false "there is no primitive ${1-}" ;;
esac
