using System.Numerics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using static System.FormattableString;

namespace Clado.Cluster;

/// <summary>
/// The secret that all machines of a cluster have. From it follows a key pair, the same for all: a machine shows that it belongs to the
/// cluster by a TLS certificate of that key, and takes nobody else's (docs/decisions/2026-11-28-cluster.md).
/// </summary>
internal sealed class ClusterSecret
{
    // Of random characters; what people think of is shorter, and could be found by trying.
    private const int ShortestText = 32;
    private const int KeyBytes = 32;

    private readonly byte[] publicKey;

    private ClusterSecret(byte[] secret)
    {
        Id = Convert.ToHexStringLower(Derived(secret, "clado cluster", 8));
        Certificate = CertificateOf(secret);
        publicKey = Certificate.PublicKey.ExportSubjectPublicKeyInfo();
    }

    /// <summary>Names the cluster: other secrets have other names, and the secret does not follow from it.</summary>
    public string Id { get; }

    /// <summary>What a machine shows.</summary>
    public X509Certificate2 Certificate { get; }

    /// <summary>Reads a secret.</summary>
    /// <param name="path">Path of the file.</param>
    /// <exception cref="CladoException">There is none, it is too short, or others can read it.</exception>
    public static ClusterSecret Read(string path)
    {
        if (!File.Exists(path))
        {
            throw new CladoException($"{Settings.ClusterSecret} {path}: there is no such file; make one, "
                + $"(umask 077; openssl rand -hex 32 > {path}), and give the same to all machines");
        }
        var text = File.ReadAllText(path).Trim();
        if (text.Length < ShortestText)
        {
            throw new CladoException(Invariant($"{Settings.ClusterSecret} {path}: has {text.Length} characters, at least {ShortestText} ")
                + $"random ones are wanted: openssl rand -hex 32 > {path}");
        }
        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & (UnixFileMode.OtherRead | UnixFileMode.OtherWrite)) != 0)
        {
            throw new CladoException($"{Settings.ClusterSecret} {path}: all users of this machine can read it; chmod 600 {path}");
        }
        return new(Encoding.UTF8.GetBytes(text));
    }

    /// <summary>Whether somebody else's certificate is one of this secret. That its key is there too, TLS has seen.</summary>
    /// <param name="certificate">The certificate; null where there is none.</param>
    public bool IsOwn(X509Certificate2? certificate) => certificate is not null
        && CryptographicOperations.FixedTimeEquals(certificate.PublicKey.ExportSubjectPublicKeyInfo(), publicKey);

    private static X509Certificate2 CertificateOf(byte[] secret)
    {
        using var key = ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, D = PrivateKey(secret) });
        var request = new CertificateRequest("CN=clado", key, HashAlgorithmName.SHA256);
        var now = DateTimeOffset.UtcNow;
        // Nobody looks at the dates: who has the secret belongs to the cluster.
        using var made = request.CreateSelfSigned(now.AddDays(-1), now.AddYears(10));
        // As a file would have it: some systems' TLS takes no keys that are in memory alone.
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
    }

    /// <summary>A number in [1, order of the curve) (NIST FIPS 186-5, A.2.2: of numbers drawn, the first that is in there).</summary>
    private static byte[] PrivateKey(byte[] secret)
    {
        var order = BigInteger.Parse(
            "0FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551", System.Globalization.NumberStyles.HexNumber,
            System.Globalization.CultureInfo.InvariantCulture);
        for (int draw = 0; ; draw++)
        {
            var bytes = Derived(secret, Invariant($"clado key {draw}"), KeyBytes);
            var number = new BigInteger(bytes, isUnsigned: true, isBigEndian: true);
            if (number > 0 && number < order)
            {
                return bytes;
            }
        }
    }

    private static byte[] Derived(byte[] secret, string what, int length) =>
        HKDF.DeriveKey(HashAlgorithmName.SHA256, secret, length, info: Encoding.UTF8.GetBytes(what));
}
