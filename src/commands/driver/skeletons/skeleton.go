// NAME: a driver for Outrigger. Every place that knows your system is marked with HERE; as it stands, the system
// is a folder with one JSON file for each machine. Build and try it:
//
//	go build -o NAME NAME.go && outrigger driver check ./NAME --settings NAME.json
//
// Outrigger runs the program once for each primitive: the word is the first argument, the request one JSON object
// on standard input, the answer one JSON object on standard output. Exit code 0 is success, 1 a failure. Print
// nothing else on standard output; standard error goes to the log.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

type object = map[string]any

// refused is a failure that Outrigger understands: missing, busy, in-use, denied, unreachable, invalid or unknown.
type refused struct {
	kind, message string
	sent          bool // whether the change may have happened
}

func (r refused) Error() string { return r.message }

type request struct {
	Settings struct {
		Folder string `json:"folder"`
	} `json:"settings"`
	ID        string  `json:"id"`
	Name      string  `json:"name"`
	Mark      *string `json:"mark"`
	Expected  *string `json:"expected"`
	Machine   struct{ ID string }
	Blueprint object
	Instance  struct {
		CPUs        *int   `json:"cpus"`
		MemoryBytes *int64 `json:"memoryBytes"`
		Nics        []struct {
			Mac  string
			Vlan *int
		}
	}
}

// describe names the settings that an operator gives, the choices of an instance, and what you can do.
func describe(request) (any, error) {
	return object{
		"name": "NAME", "about": "Machines in a folder",
		"marks": "label", "ids": "name", "capabilities": []string{"shut-down"},
		"settings": object{
			"folder":            object{"about": "The folder of the machines", "required": true, "example": "/srv/machines"},
			"allowed_templates": object{"about": "Patterns of the templates that instances may choose", "type": "list"},
		},
		"blueprint": object{"template": object{"about": "The template", "default": "blank", "within": "allowed_templates"}},
	}, nil
}

func (r request) path(id string) string { return filepath.Join(r.Settings.Folder, id+".json") }

// read, HERE, finds the machine as it is now; kind missing only where there certainly is none.
func (r request) read(id string) (object, error) {
	text, err := os.ReadFile(r.path(id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, refused{"missing", "there is no machine " + id, false}
	}
	if err != nil {
		return nil, err
	}
	machine := object{}
	return machine, json.Unmarshal(text, &machine)
}

func (r request) show(id string) (object, error) {
	machine, err := r.read(id)
	if err != nil {
		return nil, err
	}
	delete(machine, "template")
	machine["id"], machine["name"] = id, id
	return machine, nil
}

// change, HERE, keeps the machine with a change, in one step.
func (r request) change(id string, with object) (any, error) {
	machine, err := r.read(id)
	if err != nil {
		return nil, err
	}
	for key, value := range with {
		machine[key] = value
	}
	draft, err := r.draft(id, machine)
	if err != nil {
		return nil, err
	}
	return object{}, os.Rename(draft, r.path(id))
}

func (r request) draft(id string, machine object) (string, error) {
	text, err := json.Marshal(machine)
	draft := fmt.Sprintf("%s.%d", r.path(id), os.Getpid())
	if err != nil {
		return draft, err
	}
	return draft, os.WriteFile(draft, text, 0o600)
}

// list, HERE: all machines, those that CloudStack did not make too; a list that may lack one has to fail.
func list(r request) (any, error) {
	entries, err := os.ReadDir(r.Settings.Folder)
	machines := []object{}
	for _, entry := range entries {
		if id, found := strings.CutSuffix(entry.Name(), ".json"); found {
			if machine, err := r.show(id); err == nil {
				machines = append(machines, machine)
			}
		}
	}
	return object{"machines": machines, "complete": true}, err
}

func get(r request) (any, error) {
	machine, err := r.show(r.ID)
	return object{"machine": machine}, err
}

// hardware is what the instance has now. Refuse a network that you cannot connect with kind invalid.
func (r request) hardware() object {
	if r.Instance.CPUs == nil {
		return object{}
	}
	nics := []object{}
	for _, nic := range r.Instance.Nics {
		if nic.Vlan == nil {
			nics = append(nics, object{"mac": nic.Mac, "vlan": "untagged"})
		} else {
			nics = append(nics, object{"mac": nic.Mac, "vlan": *nic.Vlan})
		}
	}
	return object{"cpus": r.Instance.CPUs, "memoryBytes": r.Instance.MemoryBytes, "nics": nics}
}

// makeMachine, HERE: off, with the mark from the very first moment. Of two at once only one may win.
func makeMachine(r request) (any, error) {
	machine := r.hardware()
	machine["mark"], machine["state"], machine["template"] = r.Mark, "off", r.Blueprint["template"]
	draft, err := r.draft(r.Name, machine)
	if err != nil {
		return nil, err
	}
	defer os.Remove(draft)
	if err := os.Link(draft, r.path(r.Name)); errors.Is(err, fs.ErrExist) {
		return nil, refused{"in-use", "there is a machine " + r.Name + " already", false}
	} else if err != nil {
		return nil, err
	}
	return object{"id": r.Name}, nil
}

// powerOn, HERE. You need not wait: Outrigger looks at the machine until it is on.
func powerOn(r request) (any, error) {
	with := r.hardware()
	with["state"] = "on"
	return r.change(r.Machine.ID, with)
}

// powerOff, HERE: shut-down asks the guest, cut-power does not.
func powerOff(r request) (any, error) { return r.change(r.Machine.ID, object{"state": "off"}) }

// destroy, HERE: running or not, with all that was made for it; success where it is gone.
func destroy(r request) (any, error) {
	err := os.Remove(r.path(r.Machine.ID))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return object{}, err
}

// writeMark, HERE: the text is for Outrigger alone; keep it as it is, unless another call has changed it.
func writeMark(r request) (any, error) {
	machine, err := r.read(r.Machine.ID)
	if err != nil {
		return nil, err
	}
	now, has := machine["mark"].(string)
	if has != (r.Expected != nil) || (has && now != *r.Expected) {
		return object{"lost": true}, nil
	}
	return r.change(r.Machine.ID, object{"mark": r.Mark})
}

var primitives = map[string]func(request) (any, error){
	"describe": describe, "list": list, "get": get, "make": makeMachine, "power-on": powerOn,
	"shut-down": powerOff, "cut-power": powerOff, "destroy": destroy, "write-mark": writeMark,
}

func main() {
	var r request
	err := json.NewDecoder(os.Stdin).Decode(&r)
	var members any = object{}
	if primitive, known := primitives[os.Args[1]]; !known {
		err = refused{"invalid", "there is no primitive " + os.Args[1], false}
	} else if err == nil {
		members, err = primitive(r)
	}
	if err == nil {
		text, _ := json.Marshal(members)
		fmt.Printf(`{"protocol":1%s`, strings.Replace(","+string(text[1:]), ",}", "}", 1))
		return
	}
	failure := refused{"unknown", err.Error(), true}
	errors.As(err, &failure)
	error := object{"kind": failure.kind, "message": failure.message, "sent": failure.sent}
	text, _ := json.Marshal(object{"protocol": 1, "error": error})
	fmt.Println(string(text))
	os.Exit(1)
}
