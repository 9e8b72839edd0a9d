"""Settings: one file, every variable read once, safe defaults.

A bare checkout runs on SQLite in ``SMSCONSOLE_HOME`` with the practice carrier. With
``PRODUCTION=1`` the checks in ``smsconsole/checks.py`` refuse whatever would be unsafe.
docs/operating.md lists every variable; a test compares the two.
"""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path

import environ

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.FileAwareEnv()

# --- where things lie -------------------------------------------------------------------
HOME = Path(env("SMSCONSOLE_HOME", default=str(BASE_DIR / "data"))).expanduser().absolute()
UPLOADS = HOME / "uploads"
EXPORTS = HOME / "exports"
PRACTICE_HOME = HOME / "practice"


def _kept_secret(path: Path) -> str:
    """The embedded run keeps a random key beside its data; production must give its own."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished.touch(mode=0o600)
            unfinished.write_text(secrets.token_urlsafe(50))
            unfinished.rename(path)  # a kill leaves a whole key or none
        return path.read_text()
    except OSError as error:
        why = error.strerror or error
        sys.exit(
            f"The folder {path.parent} cannot be used ({why}). Set SMSCONSOLE_HOME to another."
        )


# --- the process ------------------------------------------------------------------------
PRODUCTION = env.bool("PRODUCTION", default=False)
DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env("SECRET_KEY", default="")
if not SECRET_KEY and not PRODUCTION:
    SECRET_KEY = _kept_secret(HOME / "secret_key")
# Hashes numbers that may no longer be kept whole. Another key than SECRET_KEY, and never changed:
# with a new one an erased number that opted out could be written to again.
NUMBER_KEY = env("NUMBER_KEY", default="")
if not NUMBER_KEY and not PRODUCTION:
    NUMBER_KEY = _kept_secret(HOME / "number_key")
HOST = env("HOST", default="127.0.0.1")
PORT = env.int("PORT", default=8000)
# Where the embedded run finds itself: a wildcard address is listened on, never called.
WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104
LOCAL_HOST: str = WILDCARDS.get(HOST, f"[{HOST}]" if ":" in HOST else HOST)
SITE_URL = env("SITE_URL", default=f"http://{LOCAL_HOST}:{PORT}").rstrip("/")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]", LOCAL_HOST])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
ROOT_URLCONF = "smsconsole.urls"
WSGI_APPLICATION = "smsconsole.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_htmx",
    "csp",
    "accounts",
    "carriers",
    "senders",
    "billing",
    "campaigns",
    "smsconsole",
]

MIDDLEWARE = [
    "smsconsole.requests.RequestId",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.sessions.SessionLife",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "accounts.middleware.CurrentMembership",
    "smsconsole.moved.OtherWorkspace",
    "accounts.refusals.Refusals",
    "smsconsole.requests.FullDisk",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "smsconsole.context.console",
            ],
            "builtins": ["smsconsole.templatetags.console", "django.templatetags.i18n"],
        },
    }
]

# --- database ---------------------------------------------------------------------------
DATABASES = {
    "default": env.db_url_config(
        env("DATABASE_URL", default="") or f"sqlite:///{HOME / 'console.sqlite3'}"
    ),
}
SQLITE = DATABASES["default"]["ENGINE"].endswith("sqlite3")
if SQLITE:
    # BEGIN IMMEDIATE and a busy timeout: with Django's defaults concurrent writers fail with
    # "database is locked". synchronous=FULL: a commit survives the loss of power.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
    DATABASES["default"]["TEST"] = {"NAME": HOME / "test.sqlite3"}
else:
    DATABASES["default"]["CONN_MAX_AGE"] = 60
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    # A server that is gone without a word is noticed in seconds, not in minutes of waiting threads:
    # carriers are then told to come again.
    DATABASES["default"]["OPTIONS"] = {
        "connect_timeout": 5,
        "tcp_user_timeout": 10_000,
        **DATABASES["default"].get("OPTIONS", {}),
    }

WEB_STATEMENT_SECONDS = env.int("WEB_STATEMENT_SECONDS", default=5)  # PostgreSQL; pages only
# Roles that `manage.py database_roles` makes; the processes get theirs as DATABASE_URL.
ROLE_URLS = {
    "APP_DATABASE_URL": env("APP_DATABASE_URL", default=""),
    "REPORTS_DATABASE_URL": env("REPORTS_DATABASE_URL", default=""),
}

# --- doorbell and cache: losing them costs seconds, never a message ----------------------
REDIS_URL = env("REDIS_URL", default="")
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
    }
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
}
BROKER_HOME = HOME / "broker"
CELERY_BROKER_URL = REDIS_URL or "doorbell://localhost"
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {
        "visibility_timeout": 120,
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
        "socket_timeout": 5,
        "socket_connect_timeout": 3,
        "max_retries": 1,  # a bell may be lost: nobody waits long for a broker that is away
        "interval_start": 0.2,
    }
    if REDIS_URL
    else {
        "data_folder_in": str(BROKER_HOME / "queue"),
        "data_folder_out": str(BROKER_HOME / "queue"),
        "control_folder": str(BROKER_HOME / "control"),
        "store_processed": False,
        "polling_interval": 0.1,
    }
)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # for as long as it is away
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_PUBLISH_RETRY = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 25
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_DB_REUSE_MAX = 1000
CELERY_TIMEZONE = "UTC"
CELERY_TASK_DEFAULT_QUEUE = "dispatch"
CELERY_TASK_ROUTES = {
    "campaigns.tasks.check_import": {"queue": "imports"},
    "campaigns.tasks.count_campaign": {"queue": "imports"},
    "campaigns.tasks.export_numbers": {"queue": "imports"},
    "campaigns.tasks.erase": {"queue": "imports"},
    "campaigns.tasks.look_after": {"queue": "mail"},
    "campaigns.tasks.apply_receipts": {"queue": "receipts"},
    "campaigns.tasks.sweep": {"queue": "receipts"},
    "campaigns.tasks.*": {"queue": "dispatch"},
    "senders.tasks.import_optouts": {"queue": "imports"},
}
CELERY_BEAT_SCHEDULE = {
    "tick": {"task": "campaigns.tasks.tick", "schedule": 5.0, "options": {"expires": 5}},
    "sweep": {"task": "campaigns.tasks.sweep", "schedule": 60.0, "options": {"expires": 60}},
}
CELERY_TASK_ALWAYS_EAGER = False

# --- people -----------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = "accounts:signin"
LOGIN_REDIRECT_URL = "overview"
AUTHENTICATION_BACKENDS = ["accounts.backends.EmailBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("email", "name")},
    },
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
EMAIL_URL = env("EMAIL_URL", default="")
EMAIL_BACKEND = "smsconsole.maillog.EmailBackend"  # a file, until a server is named
if EMAIL_URL:
    vars().update(env.email_url_config(EMAIL_URL))
# A server that accepts and stays silent would else hold up the process for ever.
EMAIL_TIMEOUT = 10  # seconds
MAIL_LOG = HOME / "logs" / "mail.log"
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", default="SMS Console <console@localhost>")

# --- web security -----------------------------------------------------------------------
HTTPS = env.bool("HTTPS", default=PRODUCTION)
CSRF_FAILURE_VIEW = "smsconsole.stale.refused"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_NAME = "__Host-session" if HTTPS else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if HTTPS else "csrf"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_ENGINE = "accounts.sessions"
SESSION_IDLE_MINUTES = env.int("SESSION_IDLE_MINUTES", default=30)
SESSION_HOURS = env.int("SESSION_HOURS", default=12)
SESSION_COOKIE_AGE = SESSION_HOURS * 3600
KNOWN_COOKIE_NAME = "__Host-known" if HTTPS else "known"
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
BEHIND_PROXY = env.bool("BEHIND_PROXY", default=False)
if BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "object-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "img-src": ["'self'", "data:"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 4 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1000
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_TEMP_DIR = None

# --- words, times, static files -----------------------------------------------------------
LANGUAGE_CODE = "en"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
USE_THOUSAND_SEPARATOR = False
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = Path(env("STATIC_ROOT", default=str(BASE_DIR / "build" / "static")))
STATIC_MANIFEST = env.bool("STATIC_MANIFEST", default=PRODUCTION)
WHITENOISE_USE_FINDERS = not STATIC_MANIFEST
WHITENOISE_AUTOREFRESH = False
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if STATIC_MANIFEST
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}

# --- sending ------------------------------------------------------------------------------
SMS_GATEWAYS = {"loopback": "sms.gateways.loopback.LoopbackGateway"}
SMS_GATEWAYS |= env.dict("SMS_GATEWAYS", default={})
REHEARSAL = env.bool("REHEARSAL", default=False)  # production on purpose without a real carrier
LEASE_SECONDS = env.float("SMSCONSOLE_LEASE_SECONDS", default=30.0)
CANCEL_CUTOFF_SECONDS = env.int("CANCEL_CUTOFF_SECONDS", default=300)
SCHEDULE_MAX_DAYS = env.int("SCHEDULE_MAX_DAYS", default=90)
SCHEDULE_GRACE_MINUTES = env.int("SCHEDULE_GRACE_MINUTES", default=60)
RECEIPT_WAIT_HOURS = env.int("RECEIPT_WAIT_HOURS", default=72)
THRESHOLD_POLICY = env("THRESHOLD_POLICY", default="warn")
IMPORT_MAX_ROWS = env.int("IMPORT_MAX_ROWS", default=1_000_000)
IMPORT_MAX_BYTES = env.int("IMPORT_MAX_BYTES", default=64 * 1024 * 1024)
IMPORT_MEMORY_BYTES = env.int("IMPORT_MEMORY_BYTES", default=1024 * 1024 * 1024)
IMPORT_CPU_SECONDS = env.int("IMPORT_CPU_SECONDS", default=600)
IMPORT_UPLOADS_A_MINUTE = env.int("IMPORT_UPLOADS_A_MINUTE", default=20)
NUMBER_SEARCHES_A_MINUTE = env.int("NUMBER_SEARCHES_A_MINUTE", default=30)
IMPORT_STORED_BYTES = env.int("IMPORT_STORED_BYTES", default=2 * 1024 * 1024 * 1024)
# 0: 10 % and 5 % of the disk, or 10 and 5 GB of a large one.
DISK_LOW_BYTES = env.int("DISK_LOW_BYTES", default=0)
DISK_LEAST_BYTES = env.int("DISK_LEAST_BYTES", default=0)
FAILPOINT = env("SMSCONSOLE_FAILPOINT", default="")
ALLOW_FAILPOINTS = env.bool("SMSCONSOLE_ALLOW_FAILPOINTS", default=False) and not PRODUCTION

# --- logs: ids, never numbers or texts ------------------------------------------------------
LOG_FORMAT = env.str("LOG_FORMAT", default="json" if PRODUCTION else "line")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"()": "smsconsole.logs.Line"},
        "json": {"()": "smsconsole.logs.Json"},
    },
    "filters": {"refused": {"()": "smsconsole.logs.Refused"}},
    "handlers": {
        "console": {
            "filters": ["refused"],
            "class": "logging.StreamHandler",
            "formatter": "json" if LOG_FORMAT == "json" else "line",
        }
    },
    "root": {"handlers": ["console"], "level": env("LOG_LEVEL", default="INFO")},
    "loggers": {
        "django.request": {"level": "ERROR"},
        "aiohttp.access": {"level": "WARNING"},
        # Two lines for every doorbell would bury what matters.
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
    },
}
