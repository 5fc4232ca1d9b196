import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.StringDeserializer;

/** A member of a consumer group, of Kafka's own client. Writes what it gets; commits when a line comes in. */
public class GroupMember {
  public static void main(String[] args) throws Exception {
    Map<String, Object> config = Map.of(
        "bootstrap.servers", args[0],
        "group.id", args[1],
        "group.protocol", args[3],
        "client.id", "java-service",
        "auto.offset.reset", "earliest",
        "enable.auto.commit", "false");
    try (var consumer = new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer())) {
      consumer.subscribe(List.of(args[2]));
      while (true) {
        for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(50))) {
          System.out.println("got " + record.value());
        }
        if (System.in.available() == 0) continue;
        // Each line begins a commit; the end of the input is told by a line that says so.
        var line = new StringBuilder();
        for (int c = System.in.read(); c != '\n'; c = System.in.read()) line.append((char) c);
        if (line.toString().equals("end")) return;
        consumer.commitSync();
        System.out.println("committed");
      }
    }
  }
}
