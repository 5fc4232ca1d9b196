/**
 * Asks for consumer groups. kafkajs's admin client drops what the broker says where it does not tell who coordinates a
 * group, and it does not know groups of the newer protocol.
 */
import type { WireCluster } from './cluster.ts';
import { describeConsumerGroup, type GroupDescription, type GroupMember, readAssignment } from './protocol/groups.ts';
import type { WireBroker } from './protocol/request.ts';

/** Next offset that a group reads, by `topic/partition`. */
export type Commits = ReadonlyMap<string, bigint>;

/** What kafkajs does not declare. */
interface GroupBroker extends WireBroker {
  findGroupCoordinator(request: { groupId: string; coordinatorType: number }): Promise<{
    coordinator: { nodeId: number };
  }>;
  listGroups(): Promise<{ groups: { groupId: string }[] }>;
}

const OF_GROUPS = 0;

export class GroupDirectory {
  readonly #cluster: WireCluster;
  readonly #coordinators = new Map<string, string>();

  constructor(cluster: WireCluster) {
    this.#cluster = cluster;
  }

  commits(group: string): Promise<Commits> {
    return this.#ask(group, async (broker) => {
      const { responses } = await broker.offsetFetch({ groupId: group, topics: [] });
      return new Map(
        responses.flatMap(({ topic, partitions }) =>
          partitions.flatMap(({ partition, offset }) =>
            offset === NONE ? [] : [[`${topic}/${partition}`, BigInt(offset)] as const],
          ),
        ),
      );
    });
  }

  /** One that does not exist is `Dead`. */
  describe(group: string): Promise<GroupDescription> {
    return this.#ask(group, async (broker) => {
      const { groups } = (await broker.describeGroups({ groupIds: [group] })) as { groups: ClassicGroup[] };
      const [found] = groups;
      if (found && found.state !== 'Dead') return { ...found, members: found.members.map(memberOf) };
      return (await describeConsumerGroup(broker, group)) ?? { state: 'Dead', protocolType: '', members: [] };
    });
  }

  /** All of them, to name the nearest. */
  async names(): Promise<string[]> {
    const nodes = Object.keys(this.#cluster.brokerPool.brokers);
    const answers = await Promise.all(
      nodes.map(async (nodeId) => ((await this.#cluster.findBroker({ nodeId })) as GroupBroker).listGroups()),
    );
    return answers.flatMap(({ groups }) => groups.map(({ groupId }) => groupId));
  }

  async #ask<T>(group: string, ask: (broker: GroupBroker) => Promise<T>): Promise<T> {
    const nodeId = this.#coordinators.get(group) ?? (await this.#findCoordinator(group));
    try {
      return await ask((await this.#cluster.findBroker({ nodeId })) as GroupBroker);
    } catch (error) {
      // Another one, perhaps: whoever asks again finds it.
      this.#coordinators.delete(group);
      throw error;
    }
  }

  async #findCoordinator(group: string): Promise<string> {
    const any = (await this.#cluster.brokerPool.findConnectedBroker()) as GroupBroker;
    const { coordinator } = await any.findGroupCoordinator({ groupId: group, coordinatorType: OF_GROUPS });
    const nodeId = `${coordinator.nodeId}`;
    this.#coordinators.set(group, nodeId);
    return nodeId;
  }
}

/** Instead of an offset. */
const NONE = '-1';

interface ClassicGroup extends Omit<GroupDescription, 'members'> {
  readonly members: readonly { clientId: string; clientHost: string; memberAssignment: Buffer }[];
}

function memberOf({ clientId, clientHost, memberAssignment }: ClassicGroup['members'][number]): GroupMember {
  return { clientId, host: clientHost, assignment: readAssignment(memberAssignment) };
}
