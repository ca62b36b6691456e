@echo off
rem Builds Clado once in Release, then starts the built program directly; delete bin to build again after a change.
setlocal
set program=%~dp0src\Clado.Cli\bin\Release\net10.0\Clado.Cli.exe
set work=%~dp0src\Clado.Cli\obj
rem What is built: cpu, or cuda for GPUs; see docs/cuda.md.
if "%CLADO_PROVIDER%"=="" set CLADO_PROVIDER=cpu
if "%CLADO_PROVIDER%"=="cpu" goto known
if not "%CLADO_PROVIDER%"=="cuda" (
    echo clado: CLADO_PROVIDER=%CLADO_PROVIDER%: cpu or cuda is wanted 1>&2
    exit /b 2
)
set program=%~dp0artifacts\cuda\bin\Clado.Cli\release\Clado.Cli.exe
set work=%~dp0artifacts\cuda\obj
:known
set stamp=%work%\clado.stamp
rem The stamp is named last: a build that was broken off is none.
if exist "%program%" if exist "%stamp%" goto run
echo building Clado, once: about a minute, and what the network takes to bring its packages 1>&2
if not exist "%work%" mkdir "%work%"
type nul > "%stamp%.new"
dotnet build "%~dp0src\Clado.Cli\Clado.Cli.csproj" -c Release --nologo -v quiet 1>&2 || exit /b 2
move /y "%stamp%.new" "%stamp%" > nul
:run
"%program%" %*
