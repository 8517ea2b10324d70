/** Where the operator's configuration is, unless OUTRIGGER_CONFIG names another place. */
export const defaultConfigFile = '/etc/outrigger/config.json';
