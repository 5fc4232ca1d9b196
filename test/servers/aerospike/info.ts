/** Info commands: names in, `name<TAB>value` out. */
import type { Namespace } from './store.ts';

export interface Identity {
  node: string;
  clusterName: string;
  build: string;
  /** `127.0.0.1:3000` */
  address: string;
  namespaces: ReadonlyMap<string, Namespace>;
}

const FEATURES =
  'batch-any;batch-index;blob-bits;cdt-list;cdt-map;float;peers;pipelining;pquery;pscans;query-show;replicas;replicas-all;replicas-master;truncate-namespace';

/** This one node is master of all 4096 partitions. */
const ALL_PARTITIONS = Buffer.alloc(512, 0xff).toString('base64');

export function answerInfo(request: string, identity: Identity): string {
  const names = request.split('\n').filter((name) => name !== '');
  return names.map((name) => `${name}\t${answer(name, identity)}\n`).join('');
}

/** What who has not logged in is told. */
export function refuseInfo(request: string): string {
  return request.replace(/[^\n]+/g, (name) => `${name}\tERROR:80:not authenticated`);
}

function answer(request: string, identity: Identity): string {
  const [, command = '', rest = ''] = /^([^:/]+)[:/]?(.*)$/s.exec(request) ?? [];
  const { namespaces } = identity;
  const named = namespaces.get(parameters(rest).namespace ?? parameters(rest).ns ?? rest.split('/')[0]!);
  switch (command) {
    case 'node':
      return identity.node;
    case 'build':
    case 'version':
      return identity.build;
    case 'edition':
      return 'Stand-in';
    case 'cluster-name':
      return identity.clusterName || 'null';
    case 'features':
      return FEATURES;
    case 'partition-generation':
    case 'peers-generation':
    case 'rebalance-generation':
      return '0';
    case 'peers-clear-std':
    case 'peers-tls-std':
      return '0,3000,[]';
    case 'service-clear-std':
    case 'service-tls-std':
      return identity.address;
    case 'replicas':
      return Array.from(namespaces.keys(), (name) => `${name}:0,1,${ALL_PARTITIONS}`).join(';');
    case 'namespaces':
      return [...namespaces.keys()].join(';');
    case 'namespace':
      return named ? `objects=${named.all().length};nsup-period=120;default-ttl=0;stop_writes=false` : MISSING;
    case 'sets':
      return named ? sets(named, rest.split('/')[1]) : MISSING;
    case 'truncate':
    case 'truncate-namespace':
      if (!named) return MISSING;
      named.truncate(parameters(rest).set);
      return 'ok';
    case 'sindex-create':
    case 'sindex-delete':
    case 'sindex':
    case 'sindex-list':
    case 'sindex-stat':
    case 'sindex-exists':
      return named ? index(command, named, rest) : MISSING;
    case 'user-agent-set':
      return 'ok';
  }
  return 'ERROR:4:unrecognized command';
}

const MISSING = 'ERROR:20:namespace does not exist';

function sets(namespace: Namespace, only: string | undefined): string {
  const counts = new Map<string, number>();
  for (const { set } of namespace.all()) if (set !== '') counts.set(set, (counts.get(set) ?? 0) + 1);
  return Array.from(counts)
    .filter(([set]) => only === undefined || only === '' || set === only)
    .map(([set, objects]) => `ns=${namespace.name}:set=${set}:objects=${objects}:tombstones=0:truncate_lut=0;`)
    .join('');
}

function index(command: string, namespace: Namespace, rest: string): string {
  const { indexname = rest.split('/')[1] ?? '', set = '', bin, indexdata } = parameters(rest);
  const known = namespace.indexes.get(indexname);
  if (command === 'sindex-create') {
    namespace.indexes.set(indexname, { name: indexname, set, bin: bin ?? indexdata?.split(',')[0] ?? '' });
    return 'ok';
  }
  if (command === 'sindex-exists') return String(Boolean(known));
  if (!known) return 'ERROR:201:no index';
  if (command === 'sindex-delete') namespace.indexes.delete(indexname);
  return command === 'sindex-delete' ? 'ok' : 'load_pct=100';
}

function parameters(text: string): Record<string, string> {
  return Object.fromEntries(text.split(';').map((part) => [part.split('=')[0]!, part.slice(part.indexOf('=') + 1)]));
}
