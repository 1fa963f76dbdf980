// CardClient.java — what a Java program does with the card through SunPKCS11: lists, signs with both paddings, logs in over
// TLS 1.3, and goes on after the card was taken out and put back (it prints "take it out", "put it in" and waits for a line).
// usage: java CardClient.java CONFIG ALIAS [CA-FILE PORT]; the PIN is the first line of standard input.
import java.io.*;
import java.nio.file.*;
import java.security.*;
import java.security.cert.*;
import java.security.spec.*;
import javax.net.ssl.*;

public class CardClient {
    static final BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
    static final byte[] DATA = "to be signed\n".getBytes();

    static void check(boolean good, String what) {
        if (!good) throw new IllegalStateException(what);
        System.out.println("ok " + what);
    }

    static void sign(Provider provider, KeyStore store, String alias, String algorithm, AlgorithmParameterSpec params) throws Exception {
        Signature signer = Signature.getInstance(algorithm, provider), verifier = Signature.getInstance(algorithm, "SunRsaSign");
        if (params != null) {
            signer.setParameter(params);
            verifier.setParameter(params);
        }
        signer.initSign((PrivateKey) store.getKey(alias, null));
        verifier.initVerify(store.getCertificate(alias).getPublicKey());
        signer.update(DATA, 0, 3);
        signer.update(DATA, 3, DATA.length - 3);
        verifier.update(DATA);
        check(verifier.verify(signer.sign()), algorithm);
    }

    static void tls(KeyStore store, String caFile, int port) throws Exception {
        KeyStore trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null, null);
        try (InputStream file = Files.newInputStream(Path.of(caFile))) {
            trusted.setCertificateEntry("server", CertificateFactory.getInstance("X.509").generateCertificate(file));
        }
        KeyManagerFactory keys = KeyManagerFactory.getInstance("NewSunX509");
        keys.init(new KeyStoreBuilderParameters(KeyStore.Builder.newInstance(store, new KeyStore.PasswordProtection(null))));
        TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
        trust.init(trusted);
        for (String version : new String[] {"TLSv1.2", "TLSv1.3"}) {
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
            try (SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket("localhost", port)) {
                socket.setEnabledProtocols(new String[] {version});
                socket.getOutputStream().write("GET / HTTP/1.0\r\n\r\n".getBytes());
                String page = new String(socket.getInputStream().readAllBytes());
                check(socket.getSession().getProtocol().equals(version) && page.contains("Verify return code: 0 (ok)")
                      && page.contains("Client certificate"), version + " login");
            }
        }
    }

    static KeyStore open(Provider provider, char[] pin) throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS11", provider);
        store.load(null, pin);
        return store;
    }

    static void say(String words) throws IOException {
        System.out.println(words);
        System.out.flush();
        if (in.readLine() == null) throw new EOFException(words);
    }

    public static void main(String[] args) throws Exception {
        char[] pin = in.readLine().toCharArray();
        Provider provider = Security.getProvider("SunPKCS11").configure(args[0]);
        Security.addProvider(provider);
        KeyStore store = open(provider, pin);
        check(store.isKeyEntry(args[1]) && store.getCertificateChain(args[1]).length == 2, "chain of two");
        for (String hash : new String[] {"SHA1", "SHA224", "SHA256", "SHA384", "SHA512"})
            sign(provider, store, args[1], hash + "withRSA", null);
        sign(provider, store, args[1], "RSASSA-PSS", new PSSParameterSpec("SHA-256", "MGF1", MGF1ParameterSpec.SHA256, 32, 1));
        if (args.length > 2) tls(store, args[2], Integer.parseInt(args[3]));

        say("take it out");
        try {
            sign(provider, store, args[1], "SHA256withRSA", null);
            throw new IllegalStateException("signed without a card");
        } catch (GeneralSecurityException | ProviderException expected) {
            System.out.println("ok no signature without the card: " + expected.getMessage());
        }
        say("put it in");
        KeyStore again = null;
        for (int i = 0; again == null && i < 50; i++) {
            try {
                again = open(provider, pin);
            } catch (GeneralSecurityException | IOException | ProviderException early) {
                Thread.sleep(100); // the provider looks at the reader from time to time only
            }
        }
        check(again != null, "the card is found again");
        sign(provider, again, args[1], "SHA256withRSA", null);
    }
}
