/** Settings of a throwaway Aerospike: one node that speaks to nobody else, with all records in memory. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface Ports {
  service: number;
  heartbeat: number;
  fabric: number;
}

/** The namespace that throwaway servers have where nobody says otherwise: the one of Aerospike's own examples. */
export const NAMESPACE = 'test';

/**
 * Writes the configuration into `folder`, with the folders that the server wants to find.
 *
 * @returns path of the configuration
 */
export async function writeSettings(
  folder: string,
  { ports, namespace = NAMESPACE }: { ports: Ports; namespace?: string },
): Promise<string> {
  const scripts = join(folder, 'usr', 'udf', 'lua');
  for (const path of [scripts, join(folder, 'smd')]) await mkdir(path, { recursive: true });
  const file = join(folder, 'aerospike.conf');
  await writeFile(file, settings(folder, scripts, ports, namespace));
  return file;
}

/** As its log says it when clients are served. */
export const READY = 'service ready: soon there will be cake!';

function settings(folder: string, scripts: string, { service, heartbeat, fabric }: Ports, namespace: string): string {
  return `service {
  cluster-name qa-throwaway
  work-directory ${folder}
  pidfile ${join(folder, 'asd.pid')}
  proto-fd-max 1024
}
logging {
  console {
    context any info
  }
}
mod-lua {
  user-path ${scripts}
}
network {
  service {
    address 127.0.0.1
    port ${service}
  }
  heartbeat {
    mode mesh
    address 127.0.0.1
    port ${heartbeat}
    interval 150
    timeout 10
  }
  fabric {
    address 127.0.0.1
    port ${fabric}
  }
}
namespace ${namespace} {
  replication-factor 1
  nsup-period 10
  storage-engine memory {
    data-size 1G
  }
}
`;
}
