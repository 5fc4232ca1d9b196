#!/bin/bash
# Makes kafka.json by the serializers of kafka-clients from Maven: needs java (17 or newer) and mvn.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
version=4.1.0
mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy -DoutputDirectory="$work" -Dartifact=org.apache.kafka:kafka-clients:$version
mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy -DoutputDirectory="$work" -Dartifact=org.slf4j:slf4j-api:1.7.36
java -cp "$work/*" "$here/Kafka.java" 2>/dev/null >"$work/kafka.json"
cp "$work/kafka.json" "$here/kafka.json"
echo "kafka.json: $(grep -c codec "$here/kafka.json") cases"
