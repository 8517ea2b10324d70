/* The parts of this provider that the commands for authors of drivers use. */

export { readAnswer } from './api/answer.ts';
export { type Client, createClient, isReading, type Play, type Reach } from './api/client.ts';
export { askDriver } from './api/description.ts';
export { executableAt, executableOf } from './api/executable.ts';
export { withoutAnswer } from './api/failures.ts';
export { providerOver } from './api/learn.ts';
export { type Ended, runProcess } from './api/process.ts';
export { command } from './index.ts';
export { nameMark } from './machine/name-mark.ts';
export { type Description, description } from './protocol/description.ts';
export { error } from './protocol/failure.ts';
export { type PrimitiveName, primitives } from './protocol/primitives.ts';
export { protocolVersion } from './protocol/values.ts';
