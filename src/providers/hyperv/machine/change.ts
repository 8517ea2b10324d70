/* The primitives that change a machine, loaded as one part: each changing action needs most of it. */

export { hasHardware } from './hardware.ts';
export { exclusively } from './lock.ts';
export { writeMark } from './mark.ts';
export { cutPower, restart, resume, shutDown } from './power.ts';
export { removeMachine } from './remove.ts';
export { powerOn } from './shape.ts';
