import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;

import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * The measurements' view of the broker: one process for all of them, so that no JVM starts while something is measured.
 * Takes commands on standard input, a line each, and answers each with lines of JSON:
 *
 * <pre>
 * create TOPIC                   one partition; the broker stamps records with its own time when it appends them
 * delete TOPIC
 * arrived TOPIC COUNT SECONDS    waits for COUNT records; when the first and the last were appended. Asks the broker for the
 *                                end of the topic now and then and reads two records at the end: reading all of them would
 *                                take CPU from those who are measured
 * latency TOPIC COUNT SECONDS    reads COUNT records that come from now on; percentiles of commit to here
 * </pre>
 */
public final class Consume {
    private static final int POLL_MS = 20;
    private static final byte[] SOURCE = "\"source\":{".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] COMMIT_TIME = "\"ts_us\":".getBytes(StandardCharsets.US_ASCII);

    private final Admin admin;
    private final KafkaConsumer<byte[], byte[]> consumer;

    private Consume(String bootstrapServers) {
        Map<String, Object> broker = Map.of("bootstrap.servers", bootstrapServers);
        admin = Admin.create(broker);
        // A fetch is answered as soon as there is a record; the short wait bounds what a fetch that came too early costs.
        Map<String, Object> reading = Map.of("bootstrap.servers", bootstrapServers, "fetch.min.bytes", 1,
            "fetch.max.wait.ms", 10, "auto.offset.reset", "none", "enable.auto.commit", false);
        consumer = new KafkaConsumer<>(reading, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    public static void main(String[] arguments) throws Exception {
        Consume consume = new Consume(arguments[0]);
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = commands.readLine(); line != null; line = commands.readLine()) {
            String answer;
            try {
                answer = consume.execute(line.split(" "));
            } catch (Exception error) {
                error.printStackTrace();
                answer = "{\"error\":\"" + String.valueOf(error).replaceAll("[\"\\\\\\p{Cntrl}]", " ") + "\"}";
            }
            System.out.println(answer);
        }
    }

    private String execute(String[] words) throws Exception {
        String topic = words[1];
        switch (words[0]) {
            case "create":
                create(topic);
                return "{}";
            case "delete":
                delete(topic);
                return "{}";
            case "arrived":
                return arrived(new TopicPartition(topic, 0), Long.parseLong(words[2]), deadline(words[3]));
            case "latency":
                return latency(new TopicPartition(topic, 0), Integer.parseInt(words[2]), deadline(words[3]));
            default:
                throw new IllegalArgumentException("no command " + words[0]);
        }
    }

    private static long deadline(String seconds) {
        return System.nanoTime() + Duration.ofSeconds(Long.parseLong(seconds)).toNanos();
    }

    private void create(String topic) throws Exception {
        NewTopic created = new NewTopic(topic, 1, (short) 1).configs(Map.of("message.timestamp.type", "LogAppendTime"));
        admin.createTopics(List.of(created)).all().get();
        // It is there for the others when it has a leader.
        for (;;) {
            try {
                if (admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().get(0).leader() != null) {
                    return;
                }
            } catch (ExecutionException error) {
                if (!(error.getCause() instanceof UnknownTopicOrPartitionException)) {
                    throw error;
                }
            }
            Thread.sleep(POLL_MS);
        }
    }

    private void delete(String topic) throws Exception {
        consumer.unsubscribe();
        admin.deleteTopics(List.of(topic)).all().get();
    }

    private String arrived(TopicPartition partition, long count, long deadline) throws Exception {
        long there = end(partition);
        while (there < count && System.nanoTime() < deadline) {
            Thread.sleep(POLL_MS);
            there = end(partition);
        }
        if (there == 0) {
            return "{\"count\":0}";
        }
        // The last one that was asked for: if more come, they are told in the count.
        long last = Math.min(there, count) - 1;
        return String.format("{\"count\":%d,\"first_ms\":%d,\"last_ms\":%d}", there, read(partition, 0).timestamp(),
            read(partition, last).timestamp());
    }

    private long end(TopicPartition partition) {
        return consumer.endOffsets(List.of(partition)).get(partition);
    }

    private ConsumerRecord<byte[], byte[]> read(TopicPartition partition, long offset) {
        consumer.assign(List.of(partition));
        consumer.seek(partition, offset);
        for (;;) {
            for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(100))) {
                return record;
            }
        }
    }

    private String latency(TopicPartition partition, int count, long deadline) {
        consumer.assign(List.of(partition));
        consumer.seek(partition, end(partition));
        consumer.poll(Duration.ZERO);
        System.out.println("{\"ready\":true}");
        long[] micros = new long[count];
        int seen = 0;
        while (seen < count && System.nanoTime() < deadline) {
            for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(100))) {
                if (seen < count) {
                    micros[seen++] = nowMicros() - committedMicros(record.value());
                }
            }
        }
        if (seen < count) {
            return "{\"count\":" + seen + "}";
        }
        Arrays.sort(micros);
        return String.format("{\"count\":%d,\"p50_us\":%d,\"p90_us\":%d,\"p99_us\":%d,\"max_us\":%d}", count,
            percentile(micros, 50), percentile(micros, 90), percentile(micros, 99), micros[count - 1]);
    }

    private static long percentile(long[] sorted, int percent) {
        return sorted[(int) Math.ceil(sorted.length * percent / 100.0) - 1];
    }

    private static long nowMicros() {
        Instant now = Instant.now();
        return now.getEpochSecond() * 1_000_000 + now.getNano() / 1_000;
    }

    /** ts_us of the source block: the commit's time by PostgreSQL's clock, which is this machine's. */
    private static long committedMicros(byte[] envelope) {
        int at = after(COMMIT_TIME, envelope, after(SOURCE, envelope, 0));
        long micros = 0;
        for (; envelope[at] >= '0' && envelope[at] <= '9'; at++) {
            micros = micros * 10 + envelope[at] - '0';
        }
        return micros;
    }

    private static int after(byte[] what, byte[] envelope, int from) {
        for (int at = from; at + what.length <= envelope.length; at++) {
            if (Arrays.equals(envelope, at, at + what.length, what, 0, what.length)) {
                return at + what.length;
            }
        }
        throw new IllegalArgumentException("a record without source.ts_us");
    }
}
