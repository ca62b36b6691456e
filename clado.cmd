@echo off
rem Builds Clado once in Release, then starts the built program directly; delete bin to build again after a change.
setlocal
set program=%~dp0src\Clado.Cli\bin\Release\net10.0\Clado.Cli.exe
set stamp=%~dp0src\Clado.Cli\obj\clado.stamp
rem The stamp is named last: a build that was broken off is none.
if exist "%program%" if exist "%stamp%" goto run
echo building Clado ^(once^) 1>&2
if not exist "%~dp0src\Clado.Cli\obj" mkdir "%~dp0src\Clado.Cli\obj"
type nul > "%stamp%.new"
dotnet build "%~dp0src\Clado.Cli\Clado.Cli.csproj" -c Release --nologo -v quiet 1>&2 || exit /b 2
move /y "%stamp%.new" "%stamp%" > nul
:run
"%program%" %*
