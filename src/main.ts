import { run } from './process.ts';
import { registry } from './providers/index.ts';

run(registry);
