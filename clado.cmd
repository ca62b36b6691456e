@echo off
rem Builds Clado once in Release, then starts the built program directly; delete bin to build again after a change.
setlocal
set program=%~dp0src\Clado.Cli\bin\Release\net10.0\Clado.Cli.exe
if not exist "%program%" (
    echo building Clado ^(once^) 1>&2
    dotnet build "%~dp0src\Clado.Cli\Clado.Cli.csproj" -c Release --nologo -v quiet 1>&2 || exit /b 2
)
"%program%" %*
