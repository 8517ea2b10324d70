import { type FakeEvent, type FakeMachine, statuses } from './machine.ts';

/** How long things take, in real milliseconds; tests scale minutes down to these. */
export interface Timings {
  deployMs: number;
  powerMs: number;
  releaseMs: number;
  eraseMs: number;
  /** How long a machine refuses further actions after one on its power. */
  busyMs: number;
  /** How long a BMC takes to say whether its machine has power. */
  bmcMs: number;
  /** MAAS's own time-out of a deployment, node_timeout. */
  nodeTimeoutMs: number;
}

/** The steps that the machines take by themselves after a request. */
export interface Life {
  /** May be changed while things are going on; it counts from the next step. */
  readonly timings: Timings;
  /** Nothing happens any more. */
  stop(): void;
  event(machine: FakeMachine, level: FakeEvent['level'], type: string, description: string): void;
  deploy(machine: FakeMachine): void;
  switchOn(machine: FakeMachine): void;
  switchOff(machine: FakeMachine, soft: boolean): void;
  release(machine: FakeMachine, erase: boolean): void;
  free(machine: FakeMachine): void;
  /** Takes owner and agent name away and the power off; annotations stay. */
  markBroken(machine: FakeMachine, comment: string): void;
  markFixed(machine: FakeMachine): void;
  /** The user who starts it becomes the owner, for good. */
  startRescue(machine: FakeMachine, user: string): void;
  endRescue(machine: FakeMachine): void;
}

/** Does something later, unless something else was asked of the machine in between. */
type Later = (machine: FakeMachine, ms: number, what: () => void) => void;

interface Parts {
  readonly timings: Timings;
  readonly later: Later;
  readonly event: Life['event'];
}

export function createLife(timings: Timings): Life {
  const timers = new Set<NodeJS.Timeout>();
  const later: Later = (machine, ms, what) => {
    const { step } = machine;
    const timer = setTimeout(() => {
      timers.delete(timer);
      if (machine.step === step) what();
    }, ms);
    timers.add(timer);
  };
  let eventId = 0;
  const event: Life['event'] = (machine, level, type, description) => {
    eventId += 1;
    const created = new Date().toUTCString();
    machine.events.unshift({ id: eventId, level, created, type, description });
  };
  const parts: Parts = { timings, later, event };
  return {
    timings,
    event,
    stop() {
      for (const timer of timers) clearTimeout(timer);
      timers.clear();
    },
    deploy: (machine) => deploy(parts, machine),
    switchOn: (machine) => switchTo(parts, machine, true),
    switchOff(machine, soft) {
      keepBusy(parts, machine);
      if (!soft || !machine.deaf) switchTo(parts, machine, false);
    },
    release: (machine, erase) => release(parts, machine, erase),
    free: (machine) => free(parts, machine),
    markBroken: (machine, comment) => markBroken(parts, machine, comment),
    markFixed: (machine) => markFixed(parts, machine),
    startRescue: (machine, user) => startRescue(parts, machine, user),
    endRescue: (machine) => endRescue(parts, machine),
  };
}

function markBroken(parts: Parts, machine: FakeMachine, comment: string): void {
  keepBusy(parts, machine);
  become(parts, machine, 'broken');
  setPower(machine, false);
  machine.owner = '';
  machine.agentName = '';
  machine.osystem = '';
  machine.series = '';
  machine.errorDescription = comment;
}

function markFixed(parts: Parts, machine: FakeMachine): void {
  become(parts, machine, machine.previous === 'deployed' ? 'deployed' : 'ready');
  machine.osystem = '';
  machine.series = '';
  machine.errorDescription = '';
}

function startRescue(parts: Parts, machine: FakeMachine, user: string): void {
  keepBusy(parts, machine);
  const { status } = machine;
  become(parts, machine, 'entering_rescue_mode');
  machine.previous = status;
  machine.owner = user;
  parts.later(machine, parts.timings.powerMs, () => {
    setPower(machine, true);
    machine.status = 'rescue_mode';
    machine.statusMessage = 'Rescue mode';
  });
}

function endRescue(parts: Parts, machine: FakeMachine): void {
  keepBusy(parts, machine);
  const { previous } = machine;
  become(parts, machine, 'exiting_rescue_mode');
  parts.later(machine, parts.timings.powerMs, () => {
    setPower(machine, previous === 'deployed');
    if (previous !== 'deployed') machine.owner = '';
    become(parts, machine, previous);
  });
}

function become({ event }: Parts, machine: FakeMachine, status: FakeMachine['status']): void {
  const [from, to] = [statuses[machine.status][1], statuses[status][1]];
  event(machine, 'INFO', 'Node changed status', `From '${from}' to '${to}'`);
  machine.previous = machine.status;
  machine.status = status;
  machine.statusMessage = to;
}

function setPower(machine: FakeMachine, on: boolean): void {
  machine.powered = on;
  machine.cachedPower = on ? 'on' : 'off';
  if (on) machine.boots += 1;
}

function failPower({ event }: Parts, machine: FakeMachine): void {
  machine.cachedPower = 'error';
  event(machine, 'ERROR', 'Failed to power node', 'Power action failed: the BMC did not answer');
}

function keepBusy({ timings }: Parts, machine: FakeMachine): void {
  machine.busyUntilMs = Date.now() + timings.busyMs;
  machine.step += 1;
}

function switchTo(parts: Parts, machine: FakeMachine, on: boolean): void {
  keepBusy(parts, machine);
  parts.later(machine, parts.timings.powerMs, () => {
    if (machine.bmc === 'fails') failPower(parts, machine);
    if (machine.bmc === 'works') setPower(machine, on);
  });
}

function deploy(parts: Parts, machine: FakeMachine): void {
  const { timings, later } = parts;
  keepBusy(parts, machine);
  become(parts, machine, 'deploying');
  for (const nic of machine.interfaces) {
    if (nic.mode === 'auto') nic.ip = `10.${nic.id}.0.${10 + (machine.step % 200)}`;
  }
  if (machine.bmc === 'refuses' || machine.bmc === 'silent') {
    expire(parts, machine);
    return;
  }
  later(machine, timings.powerMs, () => {
    if (machine.bmc === 'fails') {
      failPower(parts, machine);
      become(parts, machine, 'failed_deployment');
      return;
    }
    setPower(machine, true);
    machine.statusMessage = 'Loading ephemeral';
    later(machine, timings.deployMs / 2, () => install(parts, machine));
  });
}

function install(parts: Parts, machine: FakeMachine): void {
  machine.statusMessage = 'Configuring storage';
  machine.disk = `${machine.osystem}/${machine.series} ${Math.random()}`;
  if (machine.installs === 'never') {
    expire(parts, machine);
    return;
  }
  parts.later(machine, parts.timings.deployMs / 2, () => {
    if (machine.installs === 'well') {
      become(parts, machine, 'deployed');
      return;
    }
    machine.errorDescription = 'curtin: in-target grub-install: exit status 1';
    const text = 'curtin failed to install the bootloader';
    parts.event(machine, 'ERROR', 'Node installation failure', text);
    become(parts, machine, 'failed_deployment');
  });
}

/** The machine reports nothing until MAAS's own time-out ends the deployment. */
function expire(parts: Parts, machine: FakeMachine): void {
  parts.later(machine, parts.timings.nodeTimeoutMs, () =>
    become(parts, machine, 'failed_deployment'),
  );
}

function release(parts: Parts, machine: FakeMachine, erase: boolean): void {
  keepBusy(parts, machine);
  machine.agentName = '';
  if (!erase) {
    switchOffAndFree(parts, machine);
    return;
  }
  become(parts, machine, 'disk_erasing');
  setPower(machine, true);
  parts.later(machine, parts.timings.eraseMs, () => {
    if (machine.erases === 'well') {
      machine.disk = 'empty';
      switchOffAndFree(parts, machine);
      return;
    }
    parts.event(machine, 'ERROR', 'Failed to erase disks', 'Erasing /dev/sda failed');
    become(parts, machine, 'failed_disk_erasing');
  });
}

function switchOffAndFree(parts: Parts, machine: FakeMachine): void {
  if (!machine.powered) {
    free(parts, machine);
    return;
  }
  become(parts, machine, 'releasing');
  parts.later(machine, parts.timings.releaseMs, () => {
    if (machine.bmc === 'works') {
      free(parts, machine);
      return;
    }
    failPower(parts, machine);
    become(parts, machine, 'failed_releasing');
  });
}

function free(parts: Parts, machine: FakeMachine): void {
  machine.powered = false;
  machine.cachedPower = 'off';
  machine.step += 1;
  machine.owner = '';
  machine.agentName = '';
  machine.annotations = {};
  machine.osystem = '';
  machine.series = '';
  machine.ephemeral = false;
  machine.errorDescription = '';
  for (const nic of machine.interfaces) {
    if (nic.mode === 'auto') nic.ip = '';
  }
  become(parts, machine, 'ready');
}
