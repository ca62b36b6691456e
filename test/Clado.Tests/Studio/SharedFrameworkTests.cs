using Clado.Studio;
using Clado.Tests.Support;
using Xunit;

namespace Clado.Tests.Studio;

public class SharedFrameworkTests
{
    [Fact]
    public void TheNewestOfTheRuntimesVersionIsTaken()
    {
        using var folder = new TemporaryFolder();
        Assert.Null(SharedFramework.Find(folder["shared"], new Version(10, 0, 3)));
        foreach (var version in (string[])["9.0.9", "10.0.2", "10.0.11", "10.0.9", "10.1.0", "11.0.0-preview.1", "other"])
        {
            Directory.CreateDirectory(folder[$"shared/{version}"]);
        }
        Assert.Equal(folder["shared/10.0.11"], SharedFramework.Find(folder["shared"], new Version(10, 0, 3)));
        Assert.Equal(folder["shared/11.0.0-preview.1"], SharedFramework.Find(folder["shared"], new Version(11, 0, 0)));
        Assert.Null(SharedFramework.Find(folder["shared"], new Version(12, 0, 0)));
    }
}
