FROM python:3.11-slim

WORKDIR /app
COPY requirements.txt constraints.txt ./
RUN pip install --no-cache-dir -r requirements.txt -c constraints.txt

RUN useradd --create-home fadebench && mkdir /data && chown fadebench /data
COPY . .
USER fadebench

ENV FADEBENCH_DATA_DIR=/data
VOLUME /data
EXPOSE 8501
HEALTHCHECK --start-period=60s CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8501/_stcore/health', timeout=3)"]
CMD python -m alembic upgrade head && \
    exec python -m streamlit run app.py --server.address=0.0.0.0 \
    --server.maxUploadSize="${FADEBENCH_MAX_UPLOAD_MB:-200}"
