/** What `qa doctor` tells of a cluster: the topics that the config names. Reads only, and no topic is made by asking. */
import type { Finding } from '../core/finding.ts';
import { some } from '../core/finding.ts';
import { didYouMean, nearest } from '../core/suggest.ts';
import type { KafkaClient } from './client.ts';

export async function inspect(client: KafkaClient): Promise<Finding[]> {
  const { recorder, options, known } = client;
  try {
    await recorder.refresh();
  } catch (error) {
    throw client.told(error, 'Asking for its topics');
  }
  const declared = Object.entries(options.topics);
  const findings = declared.flatMap(([topic, { partitions }]): Finding[] => {
    const found = recorder.partitions(topic);
    if (found.length === 0) {
      return [
        recorder.topics.includes(topic)
          ? forbidden(topic)
          : {
              about: 'topic',
              level: 'trouble',
              what: `The config names the topic \`${topic}\`, and there is no such topic.`,
              mend: `${nearest(topic, known) ? didYouMean(topic, known) : 'Correct the name.'} Or let what makes it run first.`,
            },
      ];
    }
    const lost = found.filter(({ leader }) => leader < 0).map(({ partitionId }) => String(partitionId));
    if (lost.length > 0) {
      return [
        {
          about: 'topic',
          level: 'trouble',
          what: `Nobody leads partition${lost.length === 1 ? '' : 's'} ${some(lost)} of \`${topic}\`.`,
          mend: 'See which brokers are down.',
        },
      ];
    }
    const what = `It has \`${topic}\` with ${found.length} partition${found.length === 1 ? '' : 's'}`;
    return [
      partitions === undefined || partitions === found.length
        ? { about: 'topic', level: 'ok', what: `${what}.` }
        : {
            about: 'topic',
            level: 'note',
            what: `${what}, and the config says ${partitions}: that is for throwaway brokers.`,
          },
    ];
  });
  return [
    { about: 'schema', level: 'ok', what: `It has ${known.length} topic${known.length === 1 ? '' : 's'}.` },
    ...findings,
  ];
}

function forbidden(topic: string): Finding {
  return {
    about: 'rights',
    level: 'trouble',
    what: `This user may not see the topic \`${topic}\`.`,
    mend: `Let an administrator grant DESCRIBE and READ on \`${topic}\` to it.`,
  };
}
