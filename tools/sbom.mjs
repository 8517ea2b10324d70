/*
 * What the built file is made of, as a software bill of materials in CycloneDX form. It says what
 * the lockfile says, and nothing of the time or the machine: the same sources make the same bytes.
 */

/** Where in the lockfile the packages stand that the bundled files come from, each once and sorted. */
export function bundledPackages(inputs) {
  const places = inputs.map((path) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]);
  return [...new Set(places)].filter((place) => place !== undefined).sort();
}

/**
 * The bill as text; `inputs` are the names of all files that were bundled, `sums` those of the result.
 *
 * Throws when one of them is of a package that the lockfile does not know whole.
 */
export function billOfMaterials({ manifest, lock, inputs, sums }) {
  const packages = bundledPackages(inputs).map((place) => lockedPackage(lock, place));
  const self = `pkg:generic/${manifest.name}@${manifest.version}`;
  const bill = {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      tools: {
        components: [
          { type: 'application', name: `${manifest.name}-packaging`, version: manifest.version },
        ],
      },
      component: {
        type: 'application',
        'bom-ref': self,
        name: manifest.name,
        version: manifest.version,
        description: manifest.description,
        hashes: Object.entries(sums).map(([alg, content]) => ({ alg, content })),
        licenses: licencesOf(manifest),
        purl: self,
      },
    },
    components: packages.map(component),
    dependencies: [manifest, ...packages].map((each) => ({
      ref: each === manifest ? self : purlOf(each),
      dependsOn: packages.filter(({ name }) => each.dependencies?.[name]).map(purlOf),
    })),
  };
  return `${JSON.stringify(bill, undefined, 2)}\n`;
}

function lockedPackage(lock, place) {
  const locked = lock.packages[place];
  const { version, integrity = '', license } = locked ?? {};
  if (!version || !license || !integrity.startsWith('sha512-') || locked.dev === true) {
    const whole = 'with its version, licence and SHA-512';
    throw new Error(`${place} is in the bundle, but not in package-lock.json ${whole}`);
  }
  return { ...locked, name: place.replace(/.*node_modules\//, '') };
}

function component(locked) {
  const { name, version, integrity } = locked;
  const purl = purlOf(locked);
  const [bare, group] = name.split('/').reverse();
  return {
    type: 'library',
    'bom-ref': purl,
    ...(group === undefined ? {} : { group }),
    name: bare,
    version,
    scope: 'required',
    hashes: [{ alg: 'SHA-512', content: hexOf(integrity) }],
    licenses: licencesOf(locked),
    purl,
  };
}

function purlOf({ name, version }) {
  return `pkg:npm/${name.replace('@', '%40')}@${version}`;
}

/** What stands first counts: further hashes would be for other ways of packing. */
function hexOf(integrity) {
  return Buffer.from(integrity.slice('sha512-'.length).split(' ')[0], 'base64').toString('hex');
}

function licencesOf({ license }) {
  return /^[\w.+-]+$/.test(license) ? [{ license: { id: license } }] : [{ expression: license }];
}
