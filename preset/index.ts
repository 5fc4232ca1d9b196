/**
 * `@qa/jest-preset`: what a `qa.config` imports.
 *
 * @packageDocumentation
 */
export type {
  Binding,
  Description,
  Driver,
  Health,
  Lease,
  Namespace,
  Opened,
  Proof,
  Refusal,
  Resetter,
  Scope,
} from '../bindings/core/binding.ts';
export { defineBinding } from '../bindings/core/binding.ts';
export type { Connection, HandleOf } from '../bindings/core/connection.ts';
export { connection } from '../bindings/core/connection.ts';
export type { DecimalLike } from '../bindings/core/decimal.ts';
export { Decimal, isDecimal } from '../bindings/core/decimal.ts';
export type {
  Bounds,
  Entry,
  EntryConditions,
  EntryObserver,
  EntrySource,
  EntryWaitOptions,
  ReadOptions,
} from '../bindings/core/entries.ts';
export type { ErrorCode } from '../bindings/core/errors.ts';
export { isQaError, QaError } from '../bindings/core/errors.ts';
export type { Log, LogLevel, LogMethod } from '../bindings/core/log.ts';
export type {
  MessageObserver,
  MessageSource,
  MessageView,
  MessageWaitOptions,
  Notice,
  Received,
  ReceivedList,
  Since,
} from '../bindings/core/messages.ts';
export type { Reference } from '../bindings/core/reference.ts';
export { fromEnv } from '../bindings/core/reference.ts';
export { secret } from '../bindings/core/secret.ts';
export type { SecretConditions, SecretObserver, SecretSource, SeenSecret } from '../bindings/core/secrets.ts';
export type { EmbeddedFor, EmbeddedOptions, EmbeddedServer, Lent, Schema } from '../bindings/core/server.ts';
export { embedded } from '../bindings/core/server.ts';
export type { AnySource, RowObserver, RowSource, StateObserver, WaitOptions } from '../bindings/core/source.ts';
export { SOURCE } from '../bindings/core/source.ts';
export type { Attributes, TracedRun } from '../bindings/core/trace.ts';
export type {
  AerospikeHandle,
  AerospikeOptions,
  AerospikeServer,
  LentAerospike,
  RecordId,
  SeedOptions,
  StartedAerospike,
} from '../bindings/databases/aerospike/index.ts';
export { aerospike } from '../bindings/databases/aerospike/index.ts';
export type {
  CassandraDriverOptions,
  CassandraHandle,
  CassandraOptions,
  CassandraServer,
  Consistency,
  LentCassandra,
  StartedCassandra,
} from '../bindings/databases/cassandra/index.ts';
export { cassandra } from '../bindings/databases/cassandra/index.ts';
export type {
  PoolOptions,
  PostgresHandle,
  PostgresOptions,
  PostgresStatements,
  PostgresTransaction,
  SqlFragment,
  SqlTag,
  TlsOptions,
} from '../bindings/databases/postgres/index.ts';
export { postgres } from '../bindings/databases/postgres/index.ts';
export type { LentPostgres, PostgresServer, StartedPostgres } from '../bindings/databases/postgres/server.ts';
export type {
  ChannelOptions,
  KeyRow,
  RedisHandle,
  RedisKey,
  RedisOptions,
  Scalar,
  SeedOptions as RedisSeedOptions,
  SeedValue as RedisSeedValue,
  StoredAs,
  StreamOptions,
} from '../bindings/databases/redis/index.ts';
export { dragonfly, redis, valkey } from '../bindings/databases/redis/index.ts';
export type {
  AnyCodec,
  Codec,
  CodecContext,
  CodecSetup,
  Decoded,
  Encodable,
  MessageHeaders,
  TopicCodecs,
} from '../bindings/kafka/codec.ts';
export type { AvroOptions, AvroRegistryOptions } from '../bindings/kafka/codecs/avro.ts';
export { avro } from '../bindings/kafka/codecs/avro.ts';
export type { JsonOptions } from '../bindings/kafka/codecs/json.ts';
export { json } from '../bindings/kafka/codecs/json.ts';
export { bytes, double, float, int16, int32, int64, text, uuid } from '../bindings/kafka/codecs/plain.ts';
export type { ProtobufOptions, ProtobufRegistryOptions } from '../bindings/kafka/codecs/protobuf.ts';
export { protobuf } from '../bindings/kafka/codecs/protobuf.ts';
export { DecodeError } from '../bindings/kafka/failures.ts';
export type {
  Compression,
  CreateOptions,
  GssapiOptions,
  Header,
  KafkaBearer,
  KafkaGssapi,
  KafkaHandle,
  KafkaLogin,
  KafkaMechanism,
  KafkaMessage,
  KafkaOptions,
  KafkaSasl,
  KafkaTls,
  KafkaTransaction,
  ProducerOptions,
  SendMessage,
  Stored,
  Topic,
  TopicOptions,
  TopicSender,
  Topics,
} from '../bindings/kafka/index.ts';
export { gssapi, kafka } from '../bindings/kafka/index.ts';
export type { CodecOptions } from '../bindings/kafka/ready.ts';
export { decode, encode } from '../bindings/kafka/ready.ts';
export type {
  RegistryOptions,
  RegistryTls,
  RegistryUse,
  SchemaReference,
  SubjectStrategy,
} from '../bindings/kafka/registry/options.ts';
export type { AvroSchema } from '../bindings/kafka/schemas/avro.ts';
export type { JsonSchema } from '../bindings/kafka/schemas/json.ts';
export type { KafkaServer, LentKafka, StartedKafka } from '../bindings/kafka/server.ts';
export type {
  HttpResponse,
  InitializeOptions,
  KerberosContext,
  KerberosHandle,
  KerberosModule,
  KerberosOptions,
  NegotiateHeaders,
  TokenOptions,
} from '../bindings/kerberos/index.ts';
export { kerberos } from '../bindings/kerberos/index.ts';
export type {
  AuthOptions as VaultAuth,
  FromVaultOptions,
  ReadSecretOptions,
  SecretData,
  SecretMetadata,
  SecretVersion,
  VaultCredentials,
  VaultHandle,
  VaultOptions,
  VaultSecret,
} from '../bindings/vault/index.ts';
export { fromVault, vault } from '../bindings/vault/index.ts';
export type {
  Connections,
  Handles,
  Qa,
  QaConfig,
  Register,
  RunnerGlobals,
  Stand,
} from '../environment/config/define.ts';
export { defineConfig } from '../environment/config/define.ts';
export type {
  CommandService,
  DeployedService,
  FunctionService,
  Service,
  ServiceQa,
  StartedService,
} from '../environment/config/services.ts';
export type { LogOptions } from '../environment/log/outlets.ts';
export type { QaBase } from '../environment/qa.ts';
export type { ServiceExit, ServiceHandle } from '../environment/services/handle.ts';
export type { State } from '../environment/state.ts';
export type { PollOptions } from '../matchers/poll-options.ts';
export type {
  AsymmetricLike,
  EntryMatchers,
  EntryOptions,
  MatcherOptions,
  Matching,
  MatchingEntry,
  MatchingRow,
  MessageOptions,
  MessagesOptions,
  QaMatchers,
  RowsOptions,
  SecretMatchers,
  SecretOptions,
  TestOptions,
} from '../matchers/types.ts';
