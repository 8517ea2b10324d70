import { shortLife } from '../../conformance/life.ts';
import { onGenuine } from './suite.ts';

onGenuine((setUp) => shortLife('libvirt on a genuine libvirtd', setUp));
