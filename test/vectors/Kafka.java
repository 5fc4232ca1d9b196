import java.util.HexFormat;
import java.util.UUID;
import org.apache.kafka.common.serialization.*;
import org.apache.kafka.common.utils.AppInfoParser;

/** Vectors by Kafka's own serializers: one JSON object a case. Numbers are texts, so that none is rounded on the way. */
public class Kafka {
  private static final StringBuilder out = new StringBuilder();

  public static void main(String[] arguments) {
    for (short v : new short[] {0, 1, -1, Short.MIN_VALUE, Short.MAX_VALUE}) add("int16", v, new ShortSerializer().serialize("t", v));
    for (int v : new int[] {0, 42, -42, Integer.MIN_VALUE, Integer.MAX_VALUE}) add("int32", v, new IntegerSerializer().serialize("t", v));
    for (long v : new long[] {0, 42, -42, 9007199254740991L, 9007199254740993L, Long.MIN_VALUE, Long.MAX_VALUE}) add("int64", v, new LongSerializer().serialize("t", v));
    for (float v : new float[] {0f, -0f, 1.5f, Float.MIN_VALUE, Float.MAX_VALUE, Float.POSITIVE_INFINITY, Float.NaN}) add("float", v, new FloatSerializer().serialize("t", v));
    for (double v : new double[] {0d, -0d, 0.1, -1e300, Double.MIN_VALUE, Double.NEGATIVE_INFINITY, Double.NaN}) add("double", v, new DoubleSerializer().serialize("t", v));
    for (String v : new String[] {"", "o-1", "\u017elu\u0165ou\u010dk\u00fd \ud83d\udc0e", "a\u0000b\ufeff"}) add("text", v, new StringSerializer().serialize("t", v));
    add("uuid", UUID.fromString("3f2504e0-4f89-41d3-9a0c-0305e82c3301"), new UUIDSerializer().serialize("t", UUID.fromString("3f2504e0-4f89-41d3-9a0c-0305e82c3301")));
    System.out.println("{\n \"madeBy\": \"kafka-clients " + AppInfoParser.getVersion() + "\",\n \"cases\": [\n" + out.substring(2) + "\n ]\n}");
  }

  private static void add(String codec, Object value, byte[] bytes) {
    StringBuilder text = new StringBuilder();
    for (char c : value.toString().toCharArray()) text.append(c < 32 || c > 126 ? String.format("\\u%04x", (int) c) : String.valueOf(c));
    out.append(",\n  { \"codec\": \"" + codec + "\", \"value\": \"" + text + "\", \"hex\": \"" + HexFormat.of().formatHex(bytes) + "\" }");
  }
}
