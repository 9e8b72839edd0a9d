# One image for web, worker, beat and the one-off steps; docker-compose.yml says which is which.
FROM python:3.12-slim AS build
WORKDIR /app
COPY requirements requirements
RUN python -m venv /venv \
 && /venv/bin/pip install --no-cache-dir --require-hashes -r requirements/run.txt \
 && python -m venv /tools \
 && /tools/bin/pip install --no-cache-dir --require-hashes -r requirements/build.txt
COPY . .
RUN /tools/bin/python assets/build.py \
 && SECRET_KEY=only-for-this-step STATIC_MANIFEST=1 SMSCONSOLE_HOME=/tmp/home \
    /venv/bin/python manage.py collectstatic --noinput --verbosity 0

FROM python:3.12-slim
RUN useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin console \
 && install -d -o console -g console -m 0700 /data
COPY --from=build /venv /venv
COPY --from=build /app /app
WORKDIR /app
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PRODUCTION=1 \
    SMSCONSOLE_HOME=/data
USER console
VOLUME /data
EXPOSE 8000
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", \
     "--workers", "2", "--blocking-threads", "4", "smsconsole.wsgi:application"]
