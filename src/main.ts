import { run } from './entry.ts';
import { registry } from './providers/index.ts';

run(registry);
