#!/bin/sh
# Makes tests/.venv with moto, the S3 and SES server that the tests talk to, the AWS CLI, which gives it the commands of
# docs/aws.md, a reader of Prometheus metrics, and a mail server. Safe to run again; quick when done.
set -eu

moto_version=5   # major version; its HTTP interface is what the tests rely on
cli_version=1    # the commands are the same in version 2, which no Python package has
reader_version=0 # of prometheus_client
mail_version=1   # of aiosmtpd
cd "$(dirname "$0")"

# The mark holds what was installed, so that a change of the version above installs anew and a broken
# installation (no mark yet) is repaired.
mark=.venv/aam-installed
wanted="moto $moto_version, awscli $cli_version, prometheus_client $reader_version, aiosmtpd $mail_version"
# A moved checkout has a virtual environment that points to nowhere: it is asked to run.
if .venv/bin/moto_server --help >/dev/null 2>&1 && [ "$(cat "$mark" 2>/dev/null || true)" = "$wanted" ]; then
    exit 0
fi

python=${PYTHON:-python3}
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    ./apt.sh python3-venv=python3-venv
fi

rm -rf .venv
"$python" -m venv .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check \
    "moto[server]>=$moto_version,<$((moto_version + 1))" "awscli>=$cli_version,<$((cli_version + 1))" \
    "prometheus_client>=$reader_version,<$((reader_version + 1))" \
    "aiosmtpd>=$mail_version,<$((mail_version + 1))"
.venv/bin/moto_server --help >/dev/null
.venv/bin/aws --version >/dev/null
.venv/bin/python -c 'import aiosmtpd.smtp, prometheus_client.parser'
echo "$wanted" > "$mark"
