/** The registry's client brings Node's HTTP, which a config without one need not load in every worker. */
import type { Codec, CodecSetup } from '../codec.ts';
import type { RegistryCodecOptions } from './codec.ts';

/** A codec whose schemas are in a registry. */
export async function registryCodec(options: RegistryCodecOptions, setup: CodecSetup): Promise<Codec> {
  const { registryCodec: open } = await import('./codec.ts');
  return open(options, setup);
}
