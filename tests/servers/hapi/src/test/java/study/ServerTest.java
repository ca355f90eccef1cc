package study;

import ca.uhn.fhir.jpa.provider.BaseResourceProviderR4Test;
import ca.uhn.fhir.rest.api.EncodingEnum;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;

/** Serves until the file with its address is removed, two hours at most. */
class ServerTest extends BaseResourceProviderR4Test {

  private static final Duration LONGEST = Duration.ofHours(2);

  @Test
  void serveUntilTheAddressFileIsGone() throws Exception {
    Path address = Path.of(System.getProperty("study.base.file"));
    myServer.getRestfulServer().setDefaultResponseEncoding(EncodingEnum.JSON);
    Path written = address.resolveSibling(address.getFileName() + ".part");
    Files.writeString(written, myServerBase);
    Files.move(written, address);
    Instant end = Instant.now().plus(LONGEST);
    while (Files.exists(address) && Instant.now().isBefore(end)) {
      myBatch2JobHelper.runMaintenancePass(); // without it an $export stays queued
      Thread.sleep(500);
    }
  }
}
