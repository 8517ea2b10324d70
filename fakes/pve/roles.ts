const common = [
  'Datastore.Allocate',
  'Datastore.AllocateSpace',
  'Datastore.AllocateTemplate',
  'Datastore.Audit',
  'Group.Allocate',
  'Mapping.Audit',
  'Mapping.Modify',
  'Mapping.Use',
  'Permissions.Modify',
  'Pool.Allocate',
  'Pool.Audit',
  'Realm.Allocate',
  'Realm.AllocateUser',
  'SDN.Allocate',
  'SDN.Audit',
  'SDN.Use',
  'Sys.AccessNetwork',
  'Sys.Audit',
  'Sys.Console',
  'Sys.Incoming',
  'Sys.Modify',
  'Sys.PowerMgmt',
  'Sys.Syslog',
  'User.Modify',
  'VM.Allocate',
  'VM.Audit',
  'VM.Backup',
  'VM.Clone',
  'VM.Config.CDROM',
  'VM.Config.CPU',
  'VM.Config.Cloudinit',
  'VM.Config.Disk',
  'VM.Config.HWType',
  'VM.Config.Memory',
  'VM.Config.Network',
  'VM.Config.Options',
  'VM.Console',
  'VM.Migrate',
  'VM.PowerMgmt',
  'VM.Snapshot',
  'VM.Snapshot.Rollback',
];

/** 9.x has no VM.Monitor any more; what it allowed was split. */
const only: Record<'8.4' | '9.1', readonly string[]> = {
  '8.4': ['VM.Monitor'],
  '9.1': [
    'VM.GuestAgent.Audit',
    'VM.GuestAgent.FileRead',
    'VM.GuestAgent.FileSystemMgmt',
    'VM.GuestAgent.FileWrite',
    'VM.GuestAgent.Unrestricted',
    'VM.Replicate',
  ],
};

const notForAdmin = [
  'Permissions.Modify',
  'Realm.Allocate',
  'Sys.AccessNetwork',
  'Sys.Incoming',
  'Sys.Modify',
  'Sys.PowerMgmt',
];

/** Every privilege there is in that version. */
export function privileges(version: '8.4' | '9.1'): readonly string[] {
  return [...common, ...only[version]].sort();
}

/** The roles Proxmox brings along. */
export function builtInRoles(version: '8.4' | '9.1'): Map<string, ReadonlySet<string>> {
  const all = privileges(version);
  const those = (test: (name: string) => boolean): ReadonlySet<string> => new Set(all.filter(test));
  const audit = (name: string): boolean => name.endsWith('.Audit');
  return new Map([
    ['NoAccess', new Set<string>()],
    ['Administrator', new Set(all)],
    ['PVEAdmin', those((name) => !notForAdmin.includes(name))],
    ['PVEAuditor', those(audit)],
    ['PVEVMAdmin', those((name) => name.startsWith('VM.'))],
    [
      'PVEVMUser',
      those((name) =>
        /^VM\.(Audit|Backup|Config\.(CDROM|Cloudinit)|Console|GuestAgent\.Audit|PowerMgmt)$/.test(
          name,
        ),
      ),
    ],
    ['PVEDatastoreAdmin', those((name) => name.startsWith('Datastore.'))],
    ['PVEDatastoreUser', those((name) => /^Datastore\.(AllocateSpace|Audit)$/.test(name))],
    ['PVEPoolAdmin', those((name) => name.startsWith('Pool.'))],
    ['PVEPoolUser', those((name) => name === 'Pool.Audit')],
    ['PVESDNAdmin', those((name) => name.startsWith('SDN.'))],
    ['PVESDNUser', those((name) => /^SDN\.(Audit|Use)$/.test(name))],
    ['PVETemplateUser', those((name) => /^VM\.(Audit|Clone)$/.test(name))],
    ['PVEMappingUser', those((name) => name === 'Mapping.Use')],
    [
      'PVEUserAdmin',
      those((name) => /^(Group\.Allocate|Realm\.AllocateUser|User\.Modify)$/.test(name)),
    ],
    ['PVESysAdmin', those((name) => /^Sys\.(Audit|Console|Syslog)$/.test(name))],
  ]);
}
