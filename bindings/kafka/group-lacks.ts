/** Why a group cannot be said to have worked through its topics, in words. */

import type { Behind, GroupLook } from './group-progress.ts';
import { later } from './tail.ts';

export interface Lack {
  what: string;
  mend: string;
}

/** Partitions that are listed. */
const SHOWN = 3;

/** @param look the last one; undefined: there was none in time */
export function lackOf(group: string, topic: string, look: GroupLook | undefined): Lack {
  const name = `The group \`${group}\``;
  if (!look) return { what: `${name} could not be asked in time`, mend: 'Give it more time with `within`' };
  const { description, inputs, behind, hidden, near } = look;
  const { state, members } = description;
  if (state === 'Dead' && inputs.size === 0)
    return {
      what: `There is no consumer group \`${group}\``,
      mend: near
        ? `Did you mean \`${near}\`?`
        : 'Give the `group.id` of the consumers, and see whether the service runs and has joined',
    };
  const left = behind.length === 0 ? '' : `: ${lagging(behind)}`;
  if (state === 'Empty')
    return {
      what: `${name} has no members, so nobody works for it${left || ', though all is committed'}`,
      mend: 'See whether its service runs, or why its consumers have left',
    };
  if (state !== 'Stable' && state !== 'Dead')
    return {
      what: `${name} is rebalancing (${state}, ${count(members.length, 'member')})${left}`,
      mend: 'Give it more time with `within`, or see which consumer does not come back',
    };
  if (inputs.size === 0)
    return {
      what: `${name} reads no topic: its ${count(members.length, 'member')} got no partition, and it has committed nothing`,
      mend: 'See what its consumers subscribe to, and whether those topics exist',
    };
  if (behind.length > 0)
    return { what: `${name} has not worked through all that lay before it${left}`, mend: mendOf(look) };
  if (hidden.length > 0)
    return {
      what: `${name} has done what it can see, but a transaction is open on ${hidden.map((each) => `\`${each}\``).join(', ')}`,
      mend: 'See who does not end it, or give it more time with `within`',
    };
  return {
    what: `${name} has worked through all that lay before it, but \`${topic}\` could not be read to its end in time`,
    mend: 'See whether its brokers answer, or give it more time with `within`',
  };
}

function lagging(behind: readonly Behind[]): string {
  const shown = behind.slice(0, SHOWN).map(({ topic, partition, commit, first, last }) => {
    const where = `partition ${partition} of \`${topic}\``;
    if (commit === undefined) return `of ${where}, which has ${span(first, last)}, it has committed none`;
    const from = later(commit, first);
    return `${span(from, last)} of ${where} ${from === last ? 'is' : 'are'} not committed`;
  });
  const more = behind.length - shown.length;
  return `${shown.join('; ')}${more > 0 ? `; and of ${count(more, 'other partition')}` : ''}`;
}

function mendOf({ behind, description: { members } }: GroupLook): string {
  const who = members.map(({ clientId, host }) => `${clientId} on ${host.replace(/^\//, '')}`).slice(0, SHOWN);
  const readers = who.length === 0 ? '' : ` (${who.join(', ')})`;
  if (behind.every(({ commit }) => commit === undefined))
    return `See whether its consumers${readers} hang or fail. One that begins at the end of a topic commits nothing until a record comes: let it begin at the first (\`auto.offset.reset=earliest\`)`;
  return `See whether its consumers${readers} hang or fail on a record, or give them more time with \`within\``;
}

function span(first: bigint, last: bigint): string {
  return first === last ? `offset ${last}` : `offsets ${first} to ${last}`;
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}
