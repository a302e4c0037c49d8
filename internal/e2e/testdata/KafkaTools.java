import java.io.BufferedReader;
import java.io.InputStreamReader;
import org.apache.kafka.common.utils.Exit;

/**
 * Runs many of Kafka's own command line tools in one Java machine. Each line of the standard input is a class and its arguments, with tabs
 * between them. The first tool that fails ends it.
 */
public class KafkaTools {
    static class Ended extends RuntimeException {}

    // What a tool wanted to end with first: some of them catch the exception that takes the place of ending, and end once more.
    static Integer status;

    public static void main(String[] none) throws Exception {
        Exit.setExitProcedure((wanted, message) -> {
            status = status == null ? Integer.valueOf(wanted) : status;
            throw new Ended();
        });
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] words = line.split("\t");
            String[] arguments = java.util.Arrays.copyOfRange(words, 1, words.length);
            status = null;
            try {
                Class.forName(words[0]).getMethod("main", String[].class).invoke(null, (Object) arguments);
            } catch (java.lang.reflect.InvocationTargetException e) {
                if (status == null || status != 0) {
                    System.err.println("failed: " + line);
                    e.getCause().printStackTrace();
                    Runtime.getRuntime().halt(1);
                }
            }
        }
    }
}
