import { shortLife } from '../../conformance/life.ts';
import { type Edition, editions } from './daemon.ts';
import { onGenuine } from './suite.ts';

for (const edition of Object.keys(editions) as Edition[]) {
  onGenuine(edition, (setUp) => shortLife(`incus on a genuine ${editions[edition].title}`, setUp));
}
